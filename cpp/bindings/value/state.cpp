// What a Value has beside its place in the graph, as one object that can be copied and pickled.
#include <utility>

#include "bindings/value/value.hpp"

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
    const Owned state(PyObject_CallMethod(object_type, "__getstate__", "O", self));
    if (!state) return nullptr;
    const bool has_slots = PyTuple_Check(state.get()) && PyTuple_GET_SIZE(state.get()) == 2;
    return Py_NewRef(has_slots ? PyTuple_GET_ITEM(state.get(), 1) : Py_None);
}

// What __getstate__ gives, a subclass's own or else object's: None, a dict of attributes, or a pair
// of that and a dict of slots.
PyObject* get_own_state(PyObject* self) {
    if (overrides(Py_TYPE(self), &PyBaseObject_Type, method_names.getstate))
        return PyObject_CallMethod(self, "__getstate__", nullptr);
    Owned dict(attributes_of(self));
    if (!dict) return nullptr;
    const Owned slots(slots_of(self));
    if (!slots) return nullptr;
    return slots.get() == Py_None ? dict.release() : PyTuple_Pack(2, dict.get(), slots.get());
}

// Calls set(name, value) for all items until one fails. A name may be of a class of the user's,
// whose hash runs code that changes the dict: so of a list of them.
template <class Set>
bool set_all(PyObject* dict, Set set) {
    const Owned items(PyDict_Items(dict));
    if (!items) return false;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items.get()); ++i) {
        PyObject* item = PyList_GET_ITEM(items.get(), i);
        if (!set(PyTuple_GET_ITEM(item, 0), PyTuple_GET_ITEM(item, 1))) return false;
    }
    return true;
}

bool set_dict(PyObject* self, PyObject* dict) {
    if (keeps_attributes_in_extension(self))
        return set_all(dict, [self](PyObject* name, PyObject* object) {
            return store_attribute(as_value(self), name, object);
        });
    const Owned own(PyObject_GetAttrString(self, "__dict__"));
    return own && PyDict_Update(own.get(), dict) == 0;
}

bool set_slots(PyObject* self, PyObject* slots) {
    return set_all(slots, [self](PyObject* name, PyObject* object) {
        return PyObject_SetAttr(self, name, object) == 0;
    });
}

bool is_dict_or_none(PyObject* object) { return object == Py_None || PyDict_Check(object); }

bool is_none_or_str(PyObject* object, const char* what) {
    if (object == Py_None || PyUnicode_Check(object)) return true;
    PyErr_Format(PyExc_TypeError, "%s must be a str, not '%.100s'", what, Py_TYPE(object)->tp_name);
    return false;
}

// As pickle applies states: by a subclass's __setstate__ if it has one.
bool set_own_state(PyObject* self, PyObject* state) {
    if (state == Py_None) return true;
    const Owned own_way(PyObject_GetAttr(self, method_names.setstate));
    if (!own_way) return false;
    const bool is_ours =
        PyCFunction_Check(own_way.get()) &&
        PyCFunction_GET_FUNCTION(own_way.get()) == locked<set_state_of_another_class>;
    if (!is_ours) return Owned(PyObject_CallOneArg(own_way.get(), state)) != nullptr;
    StateParts parts;
    if (split_state(state, parts)) return set_attributes(self, parts);
    PyErr_Format(PyExc_TypeError, "a state of '%.100s' must be a dict, or a pair of dicts",
                 Py_TYPE(self)->tp_name);
    return false;
}

}  // namespace

MethodNames method_names{};

bool intern_method_names() {
    const std::pair<PyObject**, const char*> names[] = {{&method_names.deepcopy, "__deepcopy__"},
                                                        {&method_names.getstate, "__getstate__"},
                                                        {&method_names.reduce, "__reduce__"},
                                                        {&method_names.setstate, "__setstate__"}};
    for (const auto& [name, text] : names)
        if ((*name = PyUnicode_InternFromString(text)) == nullptr) return false;
    return true;
}

bool overrides(PyTypeObject* type, PyTypeObject* base, PyObject* name) {
    return type != value_type && Owned(type_item(type, name)) != Owned(type_item(base, name));
}

bool split_state(PyObject* state, StateParts& parts) {
    const bool pair = PyTuple_Check(state) && PyTuple_GET_SIZE(state) == 2;
    parts = pair ? StateParts{PyTuple_GET_ITEM(state, 0), PyTuple_GET_ITEM(state, 1)}
                 : StateParts{state, Py_None};
    return is_dict_or_none(parts.dict) && is_dict_or_none(parts.slots);
}

bool set_attributes(PyObject* self, const StateParts& parts) {
    return (parts.dict == Py_None || set_dict(self, parts.dict)) &&
           (parts.slots == Py_None || set_slots(self, parts.slots));
}

PyObject* state_of(PyObject* self) {
    const Owned own(get_own_state(self));
    if (!own) return nullptr;
    const PyExtension* extension = extension_of(as_value(self));
    if (extension == nullptr && own.get() == Py_None) Py_RETURN_NONE;
    // Making the tuple may run the collector, and so code that replaces these.
    const auto hold = [extension](PyObject* PyExtension::* field) {
        PyObject* object = extension != nullptr ? extension->*field : nullptr;
        return Owned(Py_NewRef(object != nullptr ? object : Py_None));
    };
    const Owned label = hold(&PyExtension::label), op_label = hold(&PyExtension::op_label),
                closure = hold(&PyExtension::closure);
    return PyTuple_Pack(4, own.get(), label.get(), op_label.get(), closure.get());
}

bool apply_state(PyObject* self, PyObject* state) {
    PyObject *own, *label, *op_label, *closure;
    if (!PyTuple_Check(state) ||
        !PyArg_ParseTuple(state, "OOOO", &own, &label, &op_label, &closure)) {
        PyErr_Clear();
        PyErr_SetString(PyExc_TypeError, "not the state of a Value");
        return false;
    }
    // Before any of it is applied.
    if (!is_none_or_str(label, "label") || !is_none_or_str(op_label, "_op")) return false;
    if (closure != Py_None && !PyCallable_Check(closure)) {
        PyErr_Format(PyExc_TypeError, "_backward must be callable, not '%.100s'",
                     Py_TYPE(closure)->tp_name);
        return false;
    }
    const auto set = [self](const char* name, PyObject* object) {
        return object == Py_None || PyObject_SetAttrString(self, name, object) == 0;
    };
    return set_own_state(self, own) && set("label", label) && set("_op", op_label) &&
           set("_backward", closure);
}

}  // namespace megagrad::python
