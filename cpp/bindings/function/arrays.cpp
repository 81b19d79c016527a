// From what users pass as numbers to arrays.
#include <optional>
#include <stdexcept>

#include "bindings/function/function.hpp"

namespace py = pybind11;

namespace megagrad::python {

namespace {

PyObject* real_dtype = nullptr;  // of doubles, once NumPy was loaded

bool is_ready(PyObject* object) {
    const auto& api = py::detail::npy_api::get();
    if (!api.PyArray_Check_(object)) return false;
    constexpr int needed =
        py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_ | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
    const auto* array = py::detail::array_proxy(object);
    return (array->flags & needed) == needed &&
           (array->descr == real_dtype || api.PyArray_EquivTypes_(array->descr, real_dtype));
}

// A list of floats, which NumPy takes a microsecond to look at; nothing if there is more in it.
std::optional<Numbers> from_list(PyObject* object) {
    if (!PyList_CheckExact(object) && !PyTuple_CheckExact(object)) return std::nullopt;
    const auto list = py::reinterpret_steal<py::object>(unchanging_items(object));
    if (!list) throw py::error_already_set();
    const Py_ssize_t count = PySequence_Fast_GET_SIZE(list.ptr());
    PyObject** items = PySequence_Fast_ITEMS(list.ptr());
    for (Py_ssize_t i = 0; i < count; ++i)
        if (!PyFloat_CheckExact(items[i])) return std::nullopt;
    Numbers array(count);
    double* numbers = array.mutable_data();
    for (Py_ssize_t i = 0; i < count; ++i) numbers[i] = PyFloat_AS_DOUBLE(items[i]);
    return array;
}

// The error is what counts, so the note's own is forgotten.
void add_note(const py::error_already_set& error, const std::string& note) {
    try {
        error.value().attr("add_note")(note);
    } catch (const py::error_already_set&) {
    }
}

// What NumPy makes of it; its errors, and those of the object itself, get a note which one it is.
py::array array_of(PyObject* object, const char* what) {
    const py::object asarray = py::module_::import("numpy").attr("asarray");
    try {
        return asarray(py::handle(object)).cast<py::array>();
    } catch (py::error_already_set& error) {
        if (error.matches(PyExc_Exception))
            add_note(error, std::string("while NumPy made an array of ") + what);
        throw;
    }
}

bool is_plain_array(PyObject* object) {
    return Py_TYPE(object) == py::detail::npy_api::get().PyArray_Type_;
}

}  // namespace

// pybind11 looks NumPy up under a lock, and for that runs Python: a finalizer, a trace function or
// a signal's handler that needs NumPy there would wait for itself. So no call of a Function is the
// first to need it, and who comes here while this thread is at it is refused.
void load_numpy() {
    static thread_local bool is_at_it = false;
    if (real_dtype != nullptr) return;
    if (is_at_it)
        throw std::runtime_error(
            "a Function cannot be made by code that runs while the first one loads NumPy");
    py::module_::import("numpy");  // which takes longest, and may be entered again
    if (real_dtype != nullptr) return;
    struct AtIt {
        AtIt() { is_at_it = true; }
        ~AtIt() { is_at_it = false; }
    };
    const AtIt while_looking;
    py::detail::npy_api::get();  // lets other threads wait
    real_dtype = py::dtype::of<double>().release().ptr();
}

Numbers numbers_of(PyObject* object, const char* what) {
    if (!is_plain_array(object)) {
        if (auto array = from_list(object)) return std::move(*array);
        if (refuse_more_than_numbers(object, what)) throw py::error_already_set();
    }
    if (is_ready(object)) return py::reinterpret_borrow<Numbers>(object);
    const py::array array = array_of(object, what);
    switch (array.dtype().kind()) {
        case 'b':
        case 'i':
        case 'u':
        case 'f':
            break;
        default:
            throw py::type_error(std::string(what) + " must be real numbers, not " +
                                 py::str(array.dtype()).cast<std::string>());
    }
    // Also where the numbers are doubles, but of the other byte order or not aligned.
    return py::module_::import("numpy")
        .attr("require")(array, py::dtype::of<double>(), "CA")
        .cast<Numbers>();
}

void refuse_shape(const char* what, const std::string& wanted, const Numbers& array) {
    throw py::value_error(std::string(what) + " must have shape " + wanted + ", not " +
                          py::str(array.attr("shape")).cast<std::string>());
}

}  // namespace megagrad::python
