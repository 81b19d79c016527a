// __setstate__: what pickle calls with the attributes of a Value that was pickled as an instance of
// a class in pure Python, such as micrograd's, when the class of that name is ours.
#include <array>
#include <cstddef>

#include "bindings/value/value.hpp"

namespace megagrad::python {

namespace {

// The attributes that a node has itself. What has any other name is a free attribute.
enum Field { data, grad, children, prev, local_grads, op, label, rule, field_count };
constexpr std::array<const char*, field_count> field_names{
    "data", "grad", "_children", "_prev", "_local_grads", "_op", "label", "_backward"};

// A copy of a state, and what was taken out of it.
struct Attributes {
    Owned dict, slots;
    std::array<Owned, field_count> fields;  // null where there is none

    bool names_a_field() const {
        for (const Owned& field : fields)
            if (field) return true;
        return false;
    }
    // Borrowed; null for None, too.
    PyObject* get(Field field) const {
        return fields[field].get() != Py_None ? fields[field].get() : nullptr;
    }
};

bool copy_part(PyObject* part, Owned& copy) {
    copy.reset(part != Py_None ? PyDict_Copy(part) : Py_NewRef(Py_None));
    return copy != nullptr;
}

// Moves an item of that name, if there is one.
bool take(PyObject* dict, PyObject* name, Owned& item) {
    if (dict == Py_None) return true;
    Owned found(dict_item(dict, name));
    if (!found) return !PyErr_Occurred();
    item = std::move(found);
    return PyDict_DelItem(dict, name) == 0;
}

bool take_apart(const StateParts& parts, Attributes& out) {
    if (!copy_part(parts.dict, out.dict) || !copy_part(parts.slots, out.slots)) return false;
    for (std::size_t i = 0; i < field_count; ++i) {
        const Owned name(PyUnicode_InternFromString(field_names[i]));
        if (!name || !take(out.dict.get(), name.get(), out.fields[i]) ||
            !take(out.slots.get(), name.get(), out.fields[i]))
            return false;
    }
    return true;
}

bool refuse(PyObject* self, const char* why) {
    if (!PyErr_Occurred())
        PyErr_Format(PyExc_TypeError,
                     "cannot load a '%.100s' that another class of that name has pickled: %s; load "
                     "it with that class, and save the numbers",
                     Py_TYPE(self)->tp_name, why);
    return false;
}

// A state without data is fine for a subclass alone, whose __reduce__ may have passed them on.
bool has_all_that_is_needed(PyObject* self, const Attributes& state) {
    if (!state.fields[data] && (is_exact_value(self) || state.names_a_field()))
        return refuse(self, "it has no attribute 'data'");
    if (state.get(rule) != nullptr && !PyCallable_Check(state.get(rule)))
        return refuse(self, "its _backward cannot be called");
    return true;
}

bool load(PyObject* self, const Attributes& state) {
    if (!has_all_that_is_needed(self, state)) return false;
    Arguments arguments{state.fields[data].get(), state.get(children), state.get(op),
                        state.get(local_grads),   state.get(label),    state.get(grad)};
    if (arguments.children == nullptr) arguments.children = state.get(prev);
    return (arguments.data == nullptr || make_anew(as_value(self), arguments)) &&
           set_attributes(self, {state.dict.get(), state.slots.get()}) &&
           (state.get(rule) == nullptr || set_backward(self, state.get(rule), nullptr) == 0);
}

}  // namespace

PyObject* set_state_of_another_class(PyObject* self, PyObject* state) {
    StateParts parts;
    Attributes attributes;
    const bool is_done = split_state(state, parts)
                             ? take_apart(parts, attributes) && load(self, attributes)
                             : refuse(self, "its state is neither a dict nor a pair of dicts");
    if (!is_done) return nullptr;
    Py_RETURN_NONE;
}

PyMethodDef setstate_methods[] = {
    {"__setstate__", locked<set_state_of_another_class>, METH_O,
     "__setstate__($self, state, /)\n--\n\n"
     "For pickle: takes over the attributes of a Value of micrograd's, or of a class like it."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace megagrad::python
