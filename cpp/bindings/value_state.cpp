// What a Value has beside its place in the graph, as one object that can be copied and pickled.
#include "value.hpp"

namespace megagrad::python {

namespace {

PyObject* attributes_of(PyObject* self) {
    if (keeps_attributes_in_extension(self)) {
        const PyExtension* extension = extension_of(as_value(self));
        return Py_NewRef(extension && extension->dict ? extension->dict : Py_None);
    }
    return PyObject_GetAttrString(self, "__dict__");
}

// The contents of a subclass's __slots__, a dict; None if there are none.
PyObject* slots_of(PyObject* self) {
    if (is_exact_value(self)) return Py_NewRef(Py_None);
    auto* object_type = reinterpret_cast<PyObject*>(&PyBaseObject_Type);
    Owned state(PyObject_CallMethod(object_type, "__getstate__", "O", self));
    if (!state) return nullptr;
    const bool has_slots = PyTuple_Check(state.get()) && PyTuple_GET_SIZE(state.get()) == 2;
    return Py_NewRef(has_slots ? PyTuple_GET_ITEM(state.get(), 1) : Py_None);
}

bool set_dict(PyObject* self, PyObject* dict) {
    if (!keeps_attributes_in_extension(self)) {
        Owned own(PyObject_GetAttrString(self, "__dict__"));
        return own && PyDict_Update(own.get(), dict) == 0;
    }
    // A name may be of a class of the user's, whose hash runs code that changes the dict.
    Owned items(PyDict_Items(dict));
    if (!items) return false;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items.get()); ++i) {
        PyObject* item = PyList_GET_ITEM(items.get(), i);
        if (!store_attribute(as_value(self), PyTuple_GET_ITEM(item, 0), PyTuple_GET_ITEM(item, 1)))
            return false;
    }
    return true;
}

bool set_slots(PyObject* self, PyObject* slots) {
    Owned items(PyDict_Items(slots));
    if (!items) return false;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items.get()); ++i) {
        PyObject* item = PyList_GET_ITEM(items.get(), i);
        if (PyObject_SetAttr(self, PyTuple_GET_ITEM(item, 0), PyTuple_GET_ITEM(item, 1)) < 0)
            return false;
    }
    return true;
}

bool is_dict_or_none(PyObject* object) { return object == Py_None || PyDict_Check(object); }

}  // namespace

PyObject* state_of(PyObject* self) {
    const PyExtension* extension = extension_of(as_value(self));
    Owned dict(attributes_of(self));
    if (!dict) return nullptr;
    Owned slots(slots_of(self));
    if (!slots) return nullptr;
    if (extension == nullptr && dict.get() == Py_None && slots.get() == Py_None) Py_RETURN_NONE;
    const auto or_none = [](PyObject* object) { return object != nullptr ? object : Py_None; };
    return PyTuple_Pack(5, dict.get(), slots.get(), extension ? or_none(extension->label) : Py_None,
                        extension ? or_none(extension->op_label) : Py_None,
                        extension ? or_none(extension->closure) : Py_None);
}

PyObject* set_state(PyObject* self, PyObject* state) {
    PyObject *dict, *slots, *label, *op_label, *closure;
    if (!PyTuple_Check(state) ||
        !PyArg_ParseTuple(state, "OOOOO", &dict, &slots, &label, &op_label, &closure) ||
        !is_dict_or_none(dict) || !is_dict_or_none(slots)) {
        PyErr_Clear();
        PyErr_SetString(PyExc_TypeError, "not the state of a Value");
        return nullptr;
    }
    const auto set = [self](const char* name, PyObject* object) {
        return object == Py_None || PyObject_SetAttrString(self, name, object) == 0;
    };
    if (dict != Py_None && !set_dict(self, dict)) return nullptr;
    if (slots != Py_None && !set_slots(self, slots)) return nullptr;
    if (!set("label", label) || !set("_op", op_label) || !set("_backward", closure)) return nullptr;
    Py_RETURN_NONE;
}

}  // namespace megagrad::python
