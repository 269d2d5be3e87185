import json
import os
import sys

from starpy.manager import AMIFactory
from twisted.internet import reactor


def on_event(ami, event):
    print(json.dumps(event), flush=True)


def on_login(ami):
    ami.registerEvent(None, on_event)


def wait_for(login):
    login.addCallbacks(on_login, lambda failure: print(failure, file=sys.stderr))


factory = AMIFactory(
    os.environ["AMI_USERNAME"],
    os.environ["AMI_SECRET"],
    on_reconnect=wait_for,
)
host = os.environ.get("AMI_HOST", "127.0.0.1")
wait_for(factory.login(host, int(os.environ.get("AMI_PORT", "5038"))))
reactor.run()
