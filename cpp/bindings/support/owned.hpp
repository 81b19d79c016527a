// References to Python's objects that are counted down by themselves.
#pragma once

#include <Python.h>

#include <memory>

namespace megagrad::python {

struct Decref {
    void operator()(PyObject* object) const { Py_XDECREF(object); }
};
using Owned = std::unique_ptr<PyObject, Decref>;

// The items of an iterable as a tuple. PySequence_Tuple would fill as much memory as the iterable
// says that it needs, before it asks for the first item.
inline Owned tuple_of_items(PyObject* iterable) {
    if (PyList_CheckExact(iterable) || PyTuple_CheckExact(iterable))
        return Owned(PySequence_Tuple(iterable));
    const Owned list(PySequence_List(iterable));
    return Owned(list ? PyList_AsTuple(list.get()) : nullptr);
}

}  // namespace megagrad::python
