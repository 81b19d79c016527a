// The type object: which function fills which slot.

#include <vector>

#include "bindings/value/recording.hpp"

namespace megagrad::python {

PyTypeObject* value_type = nullptr;

namespace {

constexpr const char* doc =
    R"(Value(data, _children=(), _op='', label='', *, children=(), op='', local_grads=(), _prev=(), name='', grad=0.0)
--

A number that remembers how it was computed, and its gradient.

data: a real number. _children: the Values it was computed from, in a user-made op. _op: the op's
label if it is a str; if it is a sequence, the same as local_grads. label: a name to show.
local_grads: the op's local gradients, one number for each child. grad: the gradient to begin with.
children and _prev are other names of _children, op of _op, and name of label. None is as good as
nothing for all but the data.

An op of your own needs local gradients, or a _backward that is set afterwards. Else backward()
stops there, and warns.

Raises TypeError for an argument of another type, and if one is given under two names,
OverflowError for an int that is too large for a float, ValueError for local gradients of another
length than the children.)";

std::vector<PyMethodDef> all_methods() {
    std::vector<PyMethodDef> all = table_methods();
    for (const PyMethodDef* table :
         {attribute_methods, backward_methods, copy_methods, pickle_methods, refusal_methods,
          setstate_methods, text_methods})
        for (; table->ml_name != nullptr; ++table) all.push_back(*table);
    all.push_back({nullptr, nullptr, 0, nullptr});
    return all;
}

PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(PyValue, weakrefs), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr}};

template <class Function>
PyType_Slot slot(int id, Function* function) {
    return {id, reinterpret_cast<void*>(function)};
}

PyObject* compare(PyObject* a, PyObject* b, int op) {
    // Equality is identity: Values are keys of dicts and members of sets.
    if (op == Py_EQ || op == Py_NE) Py_RETURN_NOTIMPLEMENTED;
    constexpr const char* what = "a comparison by < or >, min(), max() or sorted()";
    if (!may_be_read(a, what)) return nullptr;
    const double x = as_value(a)->node.data;
    double y = 0;
    if (is_value(b)) {
        if (!may_be_read(b, what)) return nullptr;
        y = as_value(b)->node.data;
    } else if (PyLong_Check(b)) {  // compared exactly, however large
        const Owned number(PyFloat_FromDouble(x));
        return number ? PyFloat_Type.tp_richcompare(number.get(), b, op) : nullptr;
    } else {
        const int number = to_number(b, y);
        if (number < 0) return nullptr;
        if (number == 0) Py_RETURN_NOTIMPLEMENTED;
    }
    Py_RETURN_RICHCOMPARE(x, y, op);
}

int truth_of(PyObject* self) {
    const Node& node = as_value(self)->node;
    if (!is_comparison(node.op())) return 1;
    return may_be_read(self, "the truth") ? node.data != 0 : -1;
}

}  // namespace

PyTypeObject* make_value_type() {
    static std::vector<PyMethodDef> methods = all_methods();
    if (!intern_attribute_names() || !intern_method_names()) return nullptr;
    PyType_Slot slots[] = {
        {Py_tp_doc, const_cast<char*>(doc)},
        {Py_tp_methods, methods.data()},
        {Py_tp_getset, attributes},
        {Py_tp_members, members},
        slot(Py_tp_new, locked<construct>),
        slot(Py_tp_init, locked<initialize>),
        slot(Py_tp_dealloc, deallocation<deallocate>),
        slot(Py_tp_traverse, traverse),
        slot(Py_tp_clear, locked<clear>),
        slot(Py_tp_alloc, locked<allocate_blank>),
        // Not the one that Python gives to subclasses: then it lets no one assign
        // to __class__, and every Value of the exact type is one of the pool's.
        slot(Py_tp_free, locked<free_memory_of_value>),
        slot(Py_tp_getattro, locked<get_attribute>),
        slot(Py_tp_setattro, locked<set_attribute>),
        slot(Py_tp_richcompare, locked<compare>),
        slot(Py_tp_hash, PyBaseObject_Type.tp_hash),
        slot(Py_tp_repr, locked<represent>),
        slot(Py_tp_str, locked<to_string>),
        slot(Py_nb_add, locked<add>),
        slot(Py_nb_subtract, locked<subtract>),
        slot(Py_nb_multiply, locked<multiply>),
        slot(Py_nb_true_divide, locked<divide>),
        slot(Py_nb_power, locked<power>),
        slot(Py_nb_negative, locked<negative>),
        slot(Py_nb_absolute, locked<absolute>),
        slot(Py_nb_float, refuse_float),
        slot(Py_nb_bool, locked<truth_of>),
        {0, nullptr}};
    PyType_Spec spec{"megagrad.engine.Value", sizeof(PyValue), 0,
                     Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};
    value_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
    if (value_type == nullptr) return nullptr;
    value_type->tp_name = "Value";  // what messages say, as of a Python class; __module__ is set
    value_type->tp_vectorcall = locked<vectorcall>;
    fill_refusing_slots(value_type);
    return remember_native_methods() ? value_type : nullptr;
}

}  // namespace megagrad::python
