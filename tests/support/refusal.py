"""NumPy without memory: the n-th large array that is asked for is refused."""

import ctypes
from contextlib import contextmanager

import numpy as np

_SET_HANDLER, _GET_HANDLER = 304, 305  # PyDataMem_.., in NumPy's table of functions

_pointer, _size = ctypes.c_void_p, ctypes.c_size_t

_asked, _refused, _least = 0, -1, 0


def _given(size):
    global _asked
    if size < _least:
        return True
    _asked += 1
    return _asked - 1 != _refused


class _Handler(ctypes.Structure):
    """NumPy's PyDataMem_Handler, whose functions are called with the lock of the interpreter."""

    _fields_ = [
        ("name", ctypes.c_char * 127),
        ("version", ctypes.c_uint8),
        ("context", _pointer),
        ("malloc", ctypes.PYFUNCTYPE(_pointer, _pointer, _size)),
        ("calloc", ctypes.PYFUNCTYPE(_pointer, _pointer, _size, _size)),
        ("realloc", ctypes.PYFUNCTYPE(_pointer, _pointer, _pointer, _size)),
        ("free", ctypes.PYFUNCTYPE(None, _pointer, _pointer, _size)),
    ]


_api = ctypes.pythonapi
_api.PyCapsule_New.restype, _api.PyCapsule_GetPointer.restype = ctypes.py_object, _pointer
_api.PyCapsule_New.argtypes = [_pointer, ctypes.c_char_p, _pointer]
_api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
_name = b"mem_handler"
_table = _api.PyCapsule_GetPointer(np._core._multiarray_umath._ARRAY_API, None)
_functions = ctypes.cast(_table, ctypes.POINTER(_pointer))
_set_handler = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(_functions[_SET_HANDLER])
_get_handler = ctypes.PYFUNCTYPE(ctypes.py_object)(_functions[_GET_HANDLER])
_default = _Handler.from_address(_api.PyCapsule_GetPointer(_get_handler(), _name))
_types = dict(_Handler._fields_)
_handler = _Handler(
    name=b"refusing",
    version=1,
    malloc=_types["malloc"](lambda _, n: _default.malloc(None, n) if _given(n) else None),
    calloc=_types["calloc"](
        lambda _, n, size: _default.calloc(None, n, size) if _given(n * size) else None
    ),
    realloc=_types["realloc"](
        lambda _, old, n: _default.realloc(None, old, n) if _given(n) else None
    ),
    free=_default.free,  # NumPy's own: it may be called while an error is on its way
)
_capsule = _api.PyCapsule_New(ctypes.addressof(_handler), _name, None)
for _kept in (_capsule, _handler):  # arrays may be freed when this module is gone
    _api.Py_IncRef(ctypes.py_object(_kept))


@contextmanager
def refuses(n, least):
    """Inside, the n-th array of `least` bytes or more cannot be had; those after it can."""
    global _asked, _refused, _least
    _asked, _refused, _least = 0, n, least
    before = _set_handler(_capsule)
    try:
        yield
    finally:
        _set_handler(before)
        _refused = -1
