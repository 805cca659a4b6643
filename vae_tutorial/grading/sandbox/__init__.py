"""Running code that may be hostile: choose a sandbox, start a command in it, talk to it, stop it."""

from vae_tutorial.grading.sandbox.choosing import choose
from vae_tutorial.grading.sandbox.contained import Contained, Sandbox, SandboxUnavailable
from vae_tutorial.grading.sandbox.findings import findings
from vae_tutorial.grading.sandbox.limits import Limits

__all__ = ["Contained", "Limits", "Sandbox", "SandboxUnavailable", "choose", "findings"]
