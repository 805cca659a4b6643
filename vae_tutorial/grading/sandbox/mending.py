"""What to do where there is no sandbox."""

TRUST = "Code that you trust can be marked without one: --trusted"
# A part of what bubblewrap or unshare says, in lower case, and what mends it.
ADVICE = {
    "uid map: permission denied": (
        "AppArmor keeps bubblewrap from making user namespaces (Ubuntu 24.04 and later do): install its profile"
        " bwrap-userns-restrict, from the package apparmor-profiles, into /etc/apparmor.d and reload AppArmor"
    ),
    "no permissions to create": (
        "this system keeps users from making namespaces: an administrator can allow it by"
        " `sysctl kernel.unprivileged_userns_clone=1` or `sysctl user.max_user_namespaces=10000`"
    ),
    "unshare failed": (
        "root in a container without the right to make namespaces: grade outside of the container, or start it with"
        " --privileged"
    ),
    "can't mount proc": "a container that hides parts of /proc: grade outside of it, or start it with --privileged",
    "permission denied": (
        "the user that a sandbox runs as must be able to read this Python and its packages: `chmod -R go+rX` on their"
        " folders, or grade as the user that owns them"
    ),
    "unknown option": "this bubblewrap is too old: version 0.6 or later is needed",
}
IMAGE = "VAE_TUTORIAL_GRADING_IMAGE"


def advice(complaint: str) -> str:
    """A sentence on what bubblewrap said; a general one for what is not known."""
    known = (sentence for part, sentence in ADVICE.items() if part in complaint.lower())
    sentence = next(known, "it must be able to make user, mount and process namespaces")
    return f"{sentence[0].upper()}{sentence[1:]}."
