import json
import os
import threading

from asterisk.ami import AMIClient, AutoReconnect

client = AMIClient(
    address=os.environ.get("AMI_HOST", "127.0.0.1"),
    port=int(os.environ.get("AMI_PORT", "5038")),
)
AutoReconnect(client)  # also sends Ping, without which this library gives up after 3 seconds of silence


def on_event(event, **kwargs):
    print(json.dumps({"Event": event.name, **event.keys}), flush=True)


client.add_event_listener(on_event)
client.login(username=os.environ["AMI_USERNAME"], secret=os.environ["AMI_SECRET"])
threading.Event().wait()
