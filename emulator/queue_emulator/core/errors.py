"""One tree of errors; each knows its message, and a KV failure its status and whether it surely did not happen.

EmulatorError
├── ClockError             a time that cannot be
├── SettingsError          a setting that is missing or wrong (exit code 2)
├── StateError             a state file that cannot be used (exit code 2)
│   └── DamageError        a key of it under which stands what nobody wrote
├── RemoteError            a running emulator or a real namespace that refused (exit code 2; 502 on the control surface)
├── RealDataError          what is not done with real data or real time (409 on the control surface)
├── NamespaceError         a namespace that cannot be made, renamed or deleted (400 of the REST API)
├── ShapeError             what was read has another form (exit code 2; 400 on the control surface)
├── FaultError             a fault rule that cannot be (400 on the control surface)
├── BulkDataError          data to seed that KV would refuse (exit code 2; 400 on the control surface)
│   └── Base64Error        a value that is not base64, as it says
└── JavaScriptError        what a Worker's code would see thrown
    ├── KVTypeError        TypeError
    ├── KVSyntaxError      SyntaxError: a value read as "json" that is not
    ├── OperationBudgetError   Error: too many operations in one invocation
    ├── QuotaError         Error: too many operations of a kind in one day
    └── KVError            Error: "KV <OPERATION> failed: <status> <reason>"
        ├── WriteRateError     429: too many writes of one key
        ├── ResetError         503: asked for before a reset, and not done after it
        ├── ExpirationError    a time to end at that is past, or too near
        ├── ExpirationTtlError a lifetime that is too short
        ├── ValueLengthError   a value that is too long
        ├── MetadataLengthError metadata that is too long
        ├── KeyLengthError     a key or prefix that is too long
        ├── KeyNameError       a key that is empty, a dot segment, or not UTF-8
        ├── CursorError        a cursor that no list of this prefix gave
        ├── BulkGetError       a bulk get that is asked for wrongly
        └── BulkGetLengthError a bulk get of more than one answer holds
"""


class EmulatorError(Exception):
    """The root. Its text is fit to be shown to a user."""


class ClockError(EmulatorError):
    """A time that cannot be."""


class SettingsError(EmulatorError):
    """A setting that is missing or wrong."""


class ShapeError(EmulatorError):
    """What was read has another form than the one that is needed."""


class StateError(EmulatorError):
    """A state file that cannot be used."""


class DamageError(StateError):
    """What a state file holds under a key is not what was written."""


class RemoteError(EmulatorError):
    """A running emulator, or a real namespace, that refused what it was asked."""


class RealDataError(EmulatorError):
    """What is done with emulated KV only: real data is not forgotten, nor is real time moved."""


class NamespaceError(EmulatorError):
    """A namespace that cannot be made, renamed or deleted; `why` is "title taken", "too many", "bound" or "gone"."""

    def __init__(self, why: str, message: str) -> None:
        super().__init__(message)
        self.why = why


class FaultError(EmulatorError):
    """A fault rule that cannot be."""


class BulkDataError(EmulatorError):
    """Bulk data that is not in the format, or that KV would refuse; names the entry."""


class Base64Error(BulkDataError):
    """A value that is not base64, as its entry says; `at` is the first byte that is wrong."""

    def __init__(self, at: int) -> None:
        super().__init__("value is not base64, although its base64 field is true")
        self.at = at


class JavaScriptError(EmulatorError):
    """What a Worker's code would see thrown.

    `name` is the JavaScript class of the error; `definite` whether the operation surely did not happen; `limit`
    says in words which limit of the platform was passed, if one was; `fault_rule` is the id of the rule that made it
    fail, if one did.
    """

    name = "Error"
    definite = True
    limit: str | None = None
    fault_rule: int | None = None


class KVTypeError(JavaScriptError):
    """An argument of the wrong type, refused by the runtime before anything is sent."""

    name = "TypeError"


class KVSyntaxError(JavaScriptError):
    """A value that was asked for as JSON and is not."""

    name = "SyntaxError"


class OperationBudgetError(JavaScriptError):
    """More operations in one invocation than the platform allows."""

    limit = "KV operations in one invocation"


class QuotaError(JavaScriptError):
    """More operations of a kind in one day than the plan allows."""

    limit = "KV operations a day on this plan"


class KVError(JavaScriptError):
    """The KV service refused or failed.

    `status` is the HTTP status the service answered the runtime with, `reason` its text, `definite`
    whether the operation surely did not happen.
    """

    def __init__(self, operation: str, status: int, reason: str, *, definite: bool = True) -> None:
        super().__init__(f"KV {operation} failed: {status} {reason}")
        self.operation = operation
        self.status = status
        self.reason = reason
        self.definite = definite


class WriteRateError(KVError):
    """A put of a key that was put a moment ago."""

    limit = "one write a second to one key"


class ResetError(KVError):
    """What was begun before a reset, or before its namespace was deleted, is not done in the world after it."""

    def __init__(self, operation: str, *, deleted: bool = False) -> None:
        what = "the namespace was deleted" if deleted else "the emulator was reset"
        super().__init__(operation, 503, f"Service Unavailable: {what} meanwhile")


class ExpirationError(KVError):
    """A time to end at that is past, or too near."""


class ExpirationTtlError(KVError):
    """A lifetime that is too short."""


class ValueLengthError(KVError):
    """A value that is too long."""


class MetadataLengthError(KVError):
    """Metadata that is too long."""


class KeyLengthError(KVError):
    """A key or prefix that is too long."""


class KeyNameError(KVError):
    """A key that is empty, a dot segment, or not UTF-8."""


class CursorError(KVError):
    """A cursor that no list of this prefix gave."""


class BulkGetError(KVError):
    """A bulk get that is asked for wrongly, or of values that are not of the type asked for."""


class BulkGetLengthError(KVError):
    """A bulk get of more than one answer holds."""
