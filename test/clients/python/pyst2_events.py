import json
import os
import sys
import time

import asterisk.manager

HOST = os.environ.get("AMI_HOST", "127.0.0.1")
PORT = int(os.environ.get("AMI_PORT", "5038"))


def on_event(event, manager):
    print(json.dumps(event.headers), flush=True)


def follow():
    """Until the connection ends."""
    manager = asterisk.manager.Manager()
    manager.register_event("*", on_event)
    manager.connect(HOST, PORT)
    manager.login(os.environ["AMI_USERNAME"], os.environ["AMI_SECRET"])
    manager.event_dispatch_thread.join()


while True:  # this library does not reconnect
    try:
        follow()
    except asterisk.manager.ManagerSocketException as error:
        print(error, file=sys.stderr)
    time.sleep(1)
