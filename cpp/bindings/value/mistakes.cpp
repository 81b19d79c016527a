// What a Value refuses, and what its messages say to use instead.
#include <string_view>

#include "bindings/value/value.hpp"

namespace megagrad::python {

namespace {

PyObject* refuse(const char* message) {
    PyErr_SetString(PyExc_TypeError, message);
    return nullptr;
}

}  // namespace

PyObject* refuse_float(PyObject*) {
    return refuse(
        "float() of a Value would silently lose its gradient; use its .data for the number, and "
        "its "
        "own functions in place of math's: v.exp(), v.log(), v.sqrt(), v.sin(), v.cos(), v.tanh(), "
        "v ** n, abs(v)");
}
namespace {

PyObject* refuse_int(PyObject*) {
    return refuse("int() of a Value would silently lose its gradient; use int(v.data)");
}
PyObject* refuse_round(PyObject*, PyObject* const*, Py_ssize_t) {
    return refuse(
        "round() of a Value would silently lose its gradient; use round(v.data, n) for the number, "
        "or f'{v.data:.4f}' to print it");
}

// --- operators ---------------------------------------------------------------------------------

bool is_value_or_number(PyObject* object) {
    double number = 0;
    if (is_value(object)) return true;
    const int real = to_number(object, number);
    if (real < 0) PyErr_Clear();
    return real > 0 || PyLong_Check(object);  // which may be too large
}

// Of anything else, such as an array, the class may know what to do.
PyObject* refuse_operator(PyObject* a, PyObject* b, const char* message) {
    if (!is_value_or_number(a) || !is_value_or_number(b)) Py_RETURN_NOTIMPLEMENTED;
    return refuse(message);
}

PyObject* refuse_remainder(PyObject* a, PyObject* b) {
    return refuse_operator(
        a, b,
        "a Value has no %; use v.data % n for the number, or v - n * (v.data // n), which has a "
        "gradient");
}
PyObject* refuse_floor_divide(PyObject* a, PyObject* b) {
    return refuse_operator(
        a, b,
        "a Value has no //, whose gradient would be 0; use v.data // n for the number, or v / n");
}
PyObject* refuse_divmod(PyObject* a, PyObject* b) {
    return refuse_operator(a, b, "a Value has no divmod(); use divmod(v.data, n) for the numbers");
}

bool is_list(PyObject* object) { return PyList_Check(object) || PyTuple_Check(object); }

PyObject* refuse_matrix_multiply(PyObject* a, PyObject* b) {
    if (!(is_list(a) || is_value_or_number(a)) || !(is_list(b) || is_value_or_number(b)))
        Py_RETURN_NOTIMPLEMENTED;
    return refuse(
        "a Value has no @, as it is a single number; use * for two of them, functional.dot(w, x) "
        "for lists, functional.linear(x, W, b) for a matrix, or @ between NumPy arrays of Values");
}

// --- what lists have ---------------------------------------------------------------------------

PyObject* refuse_iteration(PyObject*) {
    return refuse(
        "'Value' object is not iterable: it is a single number, which is also what a layer of one "
        "neuron returns; put it in a list, [v]");
}
Py_ssize_t refuse_length(PyObject*) {
    refuse(
        "object of type 'Value' has no len(): it is a single number, which is also what a layer of "
        "one neuron returns");
    return -1;
}
PyObject* refuse_index(PyObject*, PyObject*) {
    return refuse(
        "'Value' object is not subscriptable: it is a single number, which is also what a layer of "
        "one neuron returns, so leave out the [...]");
}

// --- misspelt names ----------------------------------------------------------------------------

// Whether one letter was left out, added or changed, or two neighbours were swapped.
bool is_one_slip_from(std::string_view a, std::string_view b) {
    while (!a.empty() && !b.empty() && a.front() == b.front()) {
        a.remove_prefix(1);
        b.remove_prefix(1);
    }
    while (!a.empty() && !b.empty() && a.back() == b.back()) {
        a.remove_suffix(1);
        b.remove_suffix(1);
    }
    if (a.size() == 2 && b.size() == 2) return a[0] == b[1] && a[1] == b[0];
    return a.size() <= 1 && b.size() <= 1;
}

// The name that is close, if need be of another length ("tahn" is tanh rather than tan); null if
// there is none. Names of two letters are close to anything.
const char* meant_by(std::string_view name) {
    if (name.size() < 3 || name.front() == '_') return nullptr;
    const char* meant = nullptr;
    const auto consider = [&](std::string_view known) {
        if (is_one_slip_from(name, known) && (meant == nullptr || known.size() == name.size()))
            meant = known.data();
    };
    for (const char* field : {"data", "grad", "label", "backward"}) consider(field);
    for (const OpInfo& op : op_infos)
        if (op.kind != Kind::structural && op.kind != Kind::infix) consider(op.name);
    return meant;
}

}  // namespace

// In many programs a missing attribute is no error, so this compares a few letters and no more.
// Without an `obj`, Python does not look for a name once more when it prints the error.
void suggest_attribute(PyObject* self, PyObject* name) {
    if (!PyErr_ExceptionMatches(PyExc_AttributeError) || !PyUnicode_Check(name) ||
        !PyUnicode_IS_ASCII(name))
        return;
    const std::string_view text{reinterpret_cast<const char*>(PyUnicode_1BYTE_DATA(name)),
                                static_cast<std::size_t>(PyUnicode_GET_LENGTH(name))};
    if (text.starts_with("__")) return;  // such as __array__, which NumPy asks every element for
    const char* meant = meant_by(text);
    // A property of a subclass has an error of its own.
    if (meant == nullptr || Owned(type_item(Py_TYPE(self), name))) return;
    PyErr_Clear();
    const Owned message(
        PyUnicode_FromFormat("'%.100s' object has no attribute '%U'. Did you mean: '%s'?",
                             Py_TYPE(self)->tp_name, name, meant));
    const Owned error(message ? PyObject_CallOneArg(PyExc_AttributeError, message.get()) : nullptr);
    if (error && PyObject_SetAttrString(error.get(), "name", name) == 0)
        PyErr_SetObject(PyExc_AttributeError, error.get());
}

PyMethodDef refusal_methods[] = {
    method_def<refuse_round>("__round__", METH_FASTCALL,
                             "__round__($self, ndigits=None, /)\n--\n\n"
                             "Raises TypeError: the result would have no gradient."),
    {nullptr, nullptr, 0, nullptr}};

// Into the slots alone, after the type was made: with a method of the name, a Value would pass for
// a list (`hasattr(v, '__iter__')`) or an int where programs ask. Subclasses do not inherit these,
// so there Python's own messages are raised.
void fill_refusing_slots(PyTypeObject* type) {
    auto* heap = reinterpret_cast<PyHeapTypeObject*>(type);
    heap->as_number.nb_int = refuse_int;
    heap->as_number.nb_remainder = locked<refuse_remainder>;
    heap->as_number.nb_floor_divide = locked<refuse_floor_divide>;
    heap->as_number.nb_divmod = locked<refuse_divmod>;
    heap->as_number.nb_matrix_multiply = locked<refuse_matrix_multiply>;
    heap->as_mapping.mp_length = refuse_length;
    heap->as_mapping.mp_subscript = refuse_index;
    type->tp_iter = refuse_iteration;
}

}  // namespace megagrad::python
