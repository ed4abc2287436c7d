"""Expressions over columns, such as "pt > 20 && abs(eta) < 2.5", as the engine reads them, on NumPy's arrays."""

import ctypes
import os

import numpy as np

LIBRARY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/libhn.so")


class Options(ctypes.Structure):
    """hn_options."""

    _fields_ = [("device", ctypes.c_char_p), ("threads", ctypes.c_int), ("memory", ctypes.c_int64),
                ("seed", ctypes.c_uint32), ("debug", ctypes.c_bool)]


class Cut:
    """Made from a text: `names` of the columns that it needs; called with a table of columns, it says which rows pass.
    ValueError says what cannot be understood."""

    def __init__(self, text):
        self.library = ctypes.CDLL(LIBRARY)
        self.library.hn_message.restype = self.library.hn_expression_column.restype = ctypes.c_char_p
        context, self.expression = ctypes.c_void_p(), ctypes.c_void_p()
        status = self.library.hn_context_open(ctypes.byref(Options(device=b"cpu", threads=1)), ctypes.byref(context))
        if status == 0:
            status = self.library.hn_expression_new(context, text.encode(), ctypes.byref(self.expression))
        if status != 0:
            raise ValueError(self.library.hn_message(context).decode())
        self.names = []
        while name := self.library.hn_expression_column(self.expression, ctypes.c_int64(len(self.names))):
            self.names.append(name.decode())

    def __call__(self, columns, rows):
        """A boolean for each of so many rows."""
        values = [np.ascontiguousarray(columns[name], np.float64) for name in self.names]
        pointers = (ctypes.c_void_p * len(values))(*(column.ctypes.data for column in values))
        out = np.empty(rows)
        self.library.hn_expression_evaluate(self.expression, ctypes.c_int64(rows), pointers,
                                            ctypes.c_void_p(out.ctypes.data))
        return out != 0
