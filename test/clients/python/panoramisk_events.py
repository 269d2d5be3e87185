import asyncio
import json
import os

from panoramisk import Manager


async def main():
    manager = Manager(
        host=os.environ.get("AMI_HOST", "127.0.0.1"),
        port=int(os.environ.get("AMI_PORT", "5038")),
        username=os.environ["AMI_USERNAME"],
        secret=os.environ["AMI_SECRET"],
        loop=asyncio.get_running_loop(),
        reconnect_timeout=1,
    )

    @manager.register_event("*")
    def on_event(manager, event):
        print(json.dumps(dict(event)), flush=True)

    await manager.connect()
    await asyncio.Event().wait()  # it reconnects by itself


asyncio.run(main())
