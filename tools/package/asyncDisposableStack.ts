/*
 * AsyncDisposableStack for Node 22, which has the symbols and not the class. Bundles load it first. It has what the relay
 * uses: defer, use, move and disposal, in reverse order, to the end when a step fails.
 */

class Stack implements AsyncDisposable {
  #steps: (() => unknown)[] = [];

  defer(step: () => unknown): void {
    this.#steps.push(step);
  }

  use<Value extends AsyncDisposable | Disposable | null | undefined>(value: Value): Value {
    if (value != null)
      this.defer(() =>
        Symbol.asyncDispose in value ? value[Symbol.asyncDispose]() : value[Symbol.dispose](),
      );
    return value;
  }

  move(): Stack {
    const moved = new Stack();
    moved.#steps = this.#steps.splice(0);
    return moved;
  }

  async disposeAsync(): Promise<void> {
    const errors: unknown[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop())
      try {
        await step();
      } catch (error) {
        errors.push(error);
      }
    if (errors.length > 1) throw new AggregateError(errors, "several steps of a clean-up failed");
    if (errors.length === 1) throw errors[0];
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disposeAsync();
  }
}

if (!("AsyncDisposableStack" in globalThis))
  Object.defineProperty(globalThis, "AsyncDisposableStack", { value: Stack, configurable: true });
