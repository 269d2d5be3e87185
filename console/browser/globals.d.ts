/** The client asks whether it runs in Node. */
declare const process: { readonly versions: { readonly node?: string } };
