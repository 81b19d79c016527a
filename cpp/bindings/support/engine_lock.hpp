// The engine's lock, in a Python that has none of its own.
//
// All that the engine knows, nodes, bundles and tables, is plain memory, which one thread at a time
// may touch. Where Python has its lock, that lock sees to it. In a free-threaded Python, whatever
// Python calls takes this one. It is given up where Python would give up its own: while a thread
// waits, and while it computes without (without_lock.hpp).
#pragma once

#include <Python.h>

namespace megagrad::python {

#ifdef Py_GIL_DISABLED

#if PY_VERSION_HEX < 0x030E0000
#error "of the free-threaded Pythons, megagrad supports 3.14 and newer"
#endif

inline constexpr bool is_free_threaded = true;

// A thread may take it again while it has it.
class EngineLock {
public:
    EngineLock() { PyCriticalSection_BeginMutex(&section_, &mutex); }
    ~EngineLock() { PyCriticalSection_End(&section_); }
    EngineLock(const EngineLock&) = delete;
    EngineLock& operator=(const EngineLock&) = delete;

private:
    static inline PyMutex mutex{};
    PyCriticalSection section_;
};

template <auto function>
struct Locked;
template <class Result, class... Arguments, Result (*function)(Arguments...)>
struct Locked<function> {
    static Result call(Arguments... arguments) {
        const EngineLock lock;
        return function(arguments...);
    }
};

// The function, under the engine's lock.
template <auto function>
inline constexpr auto locked = &Locked<function>::call;

// The same for one that frees an object. While a thread waits for the lock, the collector may run,
// which must not come across what is dead already.
template <auto function>
void locked_deallocation(PyObject* self) {
    PyObject_GC_UnTrack(self);
    const EngineLock lock;
    function(self);
}
template <auto function>
inline constexpr auto deallocation = &locked_deallocation<function>;

#else

inline constexpr bool is_free_threaded = false;

class EngineLock {
public:
    EngineLock() {}  // used, as far as compilers warn
};

template <auto function>
inline constexpr auto locked = function;
template <auto function>
inline constexpr auto deallocation = function;

#endif

// Lists and dicts that were passed may be changed by other threads at any time in a free-threaded
// Python. There, these are copies; else the objects themselves. Null with an exception set.
inline PyObject* unchanging_items(PyObject* list_or_tuple) {
    if (is_free_threaded && PyList_Check(list_or_tuple)) return PyList_AsTuple(list_or_tuple);
    return Py_NewRef(list_or_tuple);
}
inline PyObject* unchanging_dict(PyObject* dict) {
    return is_free_threaded ? PyDict_Copy(dict) : Py_NewRef(dict);
}

// A new reference; null if there is none, or with an exception set.
inline PyObject* dict_item(PyObject* dict, PyObject* key) {
#if PY_VERSION_HEX >= 0x030D0000
    PyObject* item;
    return PyDict_GetItemRef(dict, key, &item) < 0 ? nullptr : item;
#else
    return Py_XNewRef(PyDict_GetItemWithError(dict, key));
#endif
}

// What a name means in a class; a new reference, null if there is none.
inline PyObject* type_item(PyTypeObject* type, PyObject* name) {
#if PY_VERSION_HEX >= 0x030D0000
    return _PyType_LookupRef(type, name);
#else
    return Py_XNewRef(_PyType_Lookup(type, name));
#endif
}

// A function of any of the signatures that METH_ flags stand for.
template <auto function>
PyMethodDef method_def(const char* name, int flags, const char* doc) {
    auto* erased = reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(locked<function>));
    return {name, erased, flags, doc};
}

}  // namespace megagrad::python
