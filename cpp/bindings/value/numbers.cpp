// What counts as a number, and what is more than one.
#include <string_view>

#include "bindings/value/value.hpp"

namespace megagrad::python {

namespace {

// NumPy's bool is no numbers.Real, and counts as one all the same, as Python's does.
bool is_numpy_bool(const PyObject* object) {
    const std::string_view name = Py_TYPE(object)->tp_name;
    return name == "numpy.bool" || name == "numpy.bool_";  // NumPy 2 and 1
}

// Whether it is one of NumPy's masked arrays, such as numpy.ma.masked.
int is_masked_array(PyObject* object) {
    PyObject* module = PyDict_GetItemString(PyImport_GetModuleDict(), "numpy.ma");  // borrowed
    if (module == nullptr) return 0;
    const Owned type(PyObject_GetAttrString(module, "MaskedArray"));
    if (type) return PyObject_IsInstance(object, type.get());
    if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return -1;
    PyErr_Clear();  // it is being imported
    return 0;
}

// The kind of its dtype; 0 if it has none, negative with an exception set.
int kind_of(PyObject* object) {
    const Owned dtype(PyObject_GetAttrString(object, "dtype"));
    const Owned kind(dtype ? PyObject_GetAttrString(dtype.get(), "kind") : nullptr);
    if (!kind) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return -1;
        PyErr_Clear();
        return 0;
    }
    if (!PyUnicode_Check(kind.get()) || PyUnicode_GET_LENGTH(kind.get()) != 1) return 0;
    return static_cast<int>(PyUnicode_READ_CHAR(kind.get(), 0));
}

int is_registered_real(PyObject* object) {
    static PyObject* real = nullptr;
    if (real == nullptr) {
        Owned numbers(PyImport_ImportModule("numbers"));
        if (!numbers) return -1;
        real = PyObject_GetAttrString(numbers.get(), "Real");
        if (real == nullptr) return -1;
    }
    return PyObject_IsInstance(object, real);
}

// As arrays of astropy and quantities of pint have one, whose numbers alone would be lengths or
// not.
bool has_unit(PyObject* object) {
    return PyObject_HasAttrString(object, "unit") != 0 ||
           PyObject_HasAttrString(object, "units") != 0;
}

// The error that is set, a TypeError, becomes the cause of one that says what has to be a number.
void refuse_number(PyObject* object, const char* what) {
    PyObject *type = nullptr, *cause = nullptr, *trace = nullptr;
    if (PyErr_Occurred()) {
        PyErr_Fetch(&type, &cause, &trace);
        PyErr_NormalizeException(&type, &cause, &trace);
        if (trace != nullptr) PyException_SetTraceback(cause, trace);
        Py_XDECREF(type);
        Py_XDECREF(trace);
    }
    PyErr_Format(PyExc_TypeError, "%s must be a real number, not '%.100s'%s", what,
                 Py_TYPE(object)->tp_name, is_value(object) ? "; use its .data" : "");
    if (cause == nullptr) return;
    PyObject* refusal = nullptr;
    PyErr_Fetch(&type, &refusal, &trace);
    PyErr_NormalizeException(&type, &refusal, &trace);
    PyException_SetCause(refusal, cause);  // which takes the reference
    PyErr_Restore(type, refusal, trace);
}

}  // namespace

// Of an int its class knows at once that it is one; for a float, classes are compared.
int to_number(PyObject* object, double& number) {
    if (PyLong_Check(object)) {
        number = PyLong_AsDouble(object);
        return number == -1.0 && PyErr_Occurred() ? -1 : 1;
    }
    if (PyFloat_Check(object)) {
        number = PyFloat_AS_DOUBLE(object);
        return 1;
    }
    if (refuse_more_than_a_number(object, "an operand")) return -1;
    const int real = is_numpy_bool(object) ? 1 : is_registered_real(object);
    if (real <= 0) return real;
    number = PyFloat_AsDouble(object);
    return number == -1.0 && PyErr_Occurred() ? -1 : 1;
}

// Of common types nothing is asked.
bool refuse_more_than_a_number(PyObject* object, const char* what) {
    if (PyLong_Check(object) || PyFloat_Check(object) || is_value(object)) return false;
    const int masked = is_masked_array(object);
    const int kind = masked == 0 ? kind_of(object) : 0;
    if (masked > 0)
        PyErr_Format(PyExc_TypeError,
                     "%s must not be a '%.100s', whose mask would be lost; use its filled() or "
                     "compressed()",
                     what, Py_TYPE(object)->tp_name);
    else if (kind == 'm' || kind == 'M')
        PyErr_Format(PyExc_TypeError,
                     "%s must be a real number, not a '%.100s', which has a unit of time; divide a "
                     "time span by the unit, as in span / numpy.timedelta64(1, 's')",
                     what, Py_TYPE(object)->tp_name);
    else if (kind > 0 && has_unit(object))
        PyErr_Format(PyExc_TypeError,
                     "%s must be a real number, not a '%.100s', which has a unit; divide it by the "
                     "unit",
                     what, Py_TYPE(object)->tp_name);
    return PyErr_Occurred() != nullptr;
}

namespace {

// What is no registered number, but has a __float__: 1, 0, or -1 with an exception set. A Value has
// one, and NumPy's complex numbers, whose imaginary part it drops: neither counts.
int to_number_by_float(PyObject* object, double& number) {
    const PyNumberMethods* slots = Py_TYPE(object)->tp_as_number;
    if (is_value(object) || slots == nullptr || slots->nb_float == nullptr) return 0;
    const int kind = kind_of(object);
    if (kind < 0 || kind == 'c') return kind < 0 ? -1 : 0;
    number = PyFloat_AsDouble(object);
    return number == -1.0 && PyErr_Occurred() ? -1 : 1;
}

}  // namespace

bool number_or_type_error(PyObject* object, const char* what, double& number) {
    if (refuse_more_than_a_number(object, what)) return false;
    int real = to_number(object, number);
    if (real == 0) real = to_number_by_float(object, number);
    if (real > 0) return true;
    if (real == 0 || PyErr_ExceptionMatches(PyExc_TypeError)) refuse_number(object, what);
    if (PyErr_ExceptionMatches(PyExc_OverflowError) && PyLong_Check(object))
        PyErr_Format(PyExc_OverflowError, "%s is an int too large to convert to float", what);
    return false;
}

bool refuse_more_than_numbers(PyObject* object, const char* what, int depth) {
    if (refuse_more_than_a_number(object, what)) return true;
    if (depth == 8 || (!PyList_Check(object) && !PyTuple_Check(object))) return false;
    const Owned items(unchanging_items(object));
    if (!items) return true;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.get()); ++i) {
        const Owned item(Py_NewRef(PySequence_Fast_GET_ITEM(items.get(), i)));
        if (refuse_more_than_numbers(item.get(), what, depth + 1)) return true;
    }
    return false;
}

namespace {

PyObject* value_or_number(PyObject*, PyObject* object) {
    if (is_value(object)) return Py_NewRef(object);
    double number = 0;
    return number_or_type_error(object, "a number", number) ? new_number(number) : nullptr;
}
PyObject* refuse_more(PyObject*, PyObject* object) {
    if (refuse_more_than_numbers(object, "an operand")) return nullptr;
    Py_RETURN_NONE;
}

}  // namespace

PyMethodDef number_functions[] = {
    {"as_value", locked<value_or_number>, METH_O,
     "as_value(number, /)\n--\n\n"
     "A Value as it is; for a plain number one that stands for it, which recorded programs keep "
     "as\n"
     "a constant."},
    {"refuse_more_than_numbers", locked<refuse_more>, METH_O,
     "refuse_more_than_numbers(object, /)\n--\n\n"
     "Raises TypeError for a masked array, a date, a time span or what has a unit; also in lists."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace megagrad::python
