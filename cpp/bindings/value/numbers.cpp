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

// An attribute of whatever it is; null if it has none, or with an exception set.
Owned attribute_of(PyObject* object, const char* name) {
    Owned attribute(PyObject_GetAttrString(object, name));
    if (!attribute && PyErr_ExceptionMatches(PyExc_AttributeError)) PyErr_Clear();
    return attribute;
}

// An attribute of one letter; 0 if there is none, negative with an exception set.
int letter_of(PyObject* object, const char* name) {
    const Owned letter = attribute_of(object, name);
    if (letter && PyUnicode_Check(letter.get()) && PyUnicode_GET_LENGTH(letter.get()) == 1)
        return static_cast<int>(PyUnicode_READ_CHAR(letter.get(), 0));
    return !letter && PyErr_Occurred() ? -1 : 0;
}

// The kind of its dtype; 0 if it has none, negative with an exception set. Bytes without a meaning
// are of the kind V, and so are floats that other libraries have added, such as bfloat16.
int kind_of(PyObject* object) {
    const Owned dtype = attribute_of(object, "dtype");
    if (!dtype) return PyErr_Occurred() ? -1 : 0;
    const int kind = letter_of(dtype.get(), "kind");
    const int type = kind == 'V' ? letter_of(dtype.get(), "char") : 0;
    if (type < 0) return -1;
    if (kind != 0) return kind == 'V' && type != 'V' ? 'f' : kind;
    const Owned is_complex = attribute_of(dtype.get(), "is_complex");  // PyTorch's
    if (is_complex.get() == Py_True) return 'c';
    return PyErr_Occurred() ? -1 : 0;
}

// How many dimensions it has; 0 for what knows of none, negative with an exception set.
long dimensions_of(PyObject* object) {
    const Owned count = attribute_of(object, "ndim");
    if (!count) return PyErr_Occurred() ? -1 : 0;
    if (!PyLong_CheckExact(count.get())) return 0;
    int overflow = 0;
    const long dimensions = PyLong_AsLongAndOverflow(count.get(), &overflow);
    return dimensions > 0 ? dimensions : 0;
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

// Sets another error, by `set()`, of which the one that is set now, if any, becomes the cause.
template <class Set>
void set_error_with_cause(Set set) {
    PyObject *type = nullptr, *cause = nullptr, *trace = nullptr;
    if (PyErr_Occurred()) {
        PyErr_Fetch(&type, &cause, &trace);
        PyErr_NormalizeException(&type, &cause, &trace);
        if (trace != nullptr) PyException_SetTraceback(cause, trace);
        Py_XDECREF(type);
        Py_XDECREF(trace);
    }
    set();
    if (cause == nullptr) return;
    PyObject* error = nullptr;
    PyErr_Fetch(&type, &error, &trace);
    PyErr_NormalizeException(&type, &error, &trace);
    PyException_SetCause(error, cause);  // which takes the reference
    PyErr_Restore(type, error, trace);
}

void refuse_number(PyObject* object, const char* what) {
    set_error_with_cause([&] {
        PyErr_Format(PyExc_TypeError, "%s must be a real number, not '%.100s'%s", what,
                     Py_TYPE(object)->tp_name, is_value(object) ? "; use its .data" : "");
    });
}

// Of a float, an int, and what is registered as a real number, as NumPy's numbers and Fraction are.
// Of an int its class knows at once that it is one; for a float, classes are compared.
int to_registered_number(PyObject* object, double& number) {
    if (PyLong_Check(object)) {
        number = PyLong_AsDouble(object);
        return number == -1.0 && PyErr_Occurred() ? -1 : 1;
    }
    if (PyFloat_Check(object)) {
        number = PyFloat_AS_DOUBLE(object);
        return 1;
    }
    const int real = is_numpy_bool(object) ? 1 : is_registered_real(object);
    if (real <= 0) return real;
    number = PyFloat_AsDouble(object);
    return number == -1.0 && PyErr_Occurred() ? -1 : 1;
}

// Of what has a __float__, as Decimal and a tensor of one number have: 1, 0, or -1 with an
// exception set, a TypeError if it is no number after all. Four kinds have one and do not count. A
// Value would lose its gradient, a complex number its imaginary part. NumPy's text and bytes would
// be read. An array with dimensions, whose operators work on each item, would be a number or not,
// as its length and NumPy's version have it.
int to_number_by_float(PyObject* object, double& number) {
    const PyNumberMethods* slots = Py_TYPE(object)->tp_as_number;
    if (is_value(object) || slots == nullptr || slots->nb_float == nullptr) return 0;
    const int kind = kind_of(object);
    if (kind < 0) return -1;
    if (kind > 0 &&
        std::string_view("cSUV").find(static_cast<char>(kind)) != std::string_view::npos)
        return 0;
    const long dimensions = dimensions_of(object);
    if (dimensions < 0) return -1;
    if (dimensions > 0) {
        const Owned hook = attribute_of(object, "__array_ufunc__");  // which a tensor has not
        if (hook)
            PyErr_Format(PyExc_TypeError,
                         "arrays of no dimensions are numbers; this has %ld, take its items",
                         dimensions);
        if (PyErr_Occurred()) return -1;
    }
    number = PyFloat_AsDouble(object);
    if (number != -1.0 || !PyErr_Occurred()) return 1;
    // What PyTorch raises for a tensor of several numbers.
    if (dimensions > 0 &&
        (PyErr_ExceptionMatches(PyExc_ValueError) || PyErr_ExceptionMatches(PyExc_RuntimeError)))
        set_error_with_cause([&] {
            PyErr_Format(PyExc_TypeError, "a '%.100s' of %ld dimensions does not turn into a float",
                         Py_TYPE(object)->tp_name, dimensions);
        });
    return -1;
}

}  // namespace

int to_number(PyObject* object, double& number) {
    if (!is_value(object) && refuse_more_than_a_number(object, "an operand")) return -1;
    const int real = to_registered_number(object, number);
    if (real != 0) return real;
    const int by_float = to_number_by_float(object, number);
    if (by_float >= 0 || !PyErr_ExceptionMatches(PyExc_TypeError)) return by_float;
    PyErr_Clear();  // an operator asks the other operand's class, then
    return 0;
}

PyObject* plain_operand(PyObject* object) {
    if (PyFloat_Check(object) || PyLong_Check(object) || is_value(object)) return Py_NewRef(object);
    double number = 0;
    const int real = is_registered_real(object);
    if (real < 0) return nullptr;
    if (real > 0) return Py_NewRef(object);
    const int by_float = to_number(object, number);
    if (by_float < 0) return nullptr;
    return by_float > 0 ? PyFloat_FromDouble(number) : Py_NewRef(object);
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

bool number_or_type_error(PyObject* object, const char* what, double& number) {
    if (refuse_more_than_a_number(object, what)) return false;
    int real = to_registered_number(object, number);
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
