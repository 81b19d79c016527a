// Copies, pickles and files of Functions: always of the program, never of what it became for this
// machine.
#include <bit>
#include <cstring>

#include "bindings/function/function.hpp"
#include "bindings/value/recording.hpp"
#include "program/checksum.hpp"
#include "program/little_endian.hpp"

namespace py = pybind11;

namespace megagrad::python {

namespace {

std::unique_ptr<FunctionState> restored(Program program, const py::tuple& parameters,
                                        bool has_one_output) {
    auto state = std::make_unique<FunctionState>();
    if (parameters.size() != program.parameters)
        throw py::value_error("the program has " + std::to_string(program.parameters) +
                              " parameters, not " + std::to_string(parameters.size()));
    if (program.outputs.empty() || (has_one_output && program.outputs.size() != 1))
        throw py::value_error("the program has " + std::to_string(program.outputs.size()) +
                              " outputs");
    for (const py::handle& value : parameters) {
        if (!is_value(value.ptr())) throw py::type_error("parameters must be Values");
        state->nodes.push_back(&as_value(value.ptr())->node);
    }
    state->program = std::move(program);
    state->parameters = parameters;
    state->has_one_output = has_one_output;
    return state;
}

PyObject* reduce(PyObject* self, PyObject*) {
    return guarded([&] {
        const FunctionState& state = state_of_function(self);
        const py::object restore =
            py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(Py_TYPE(self)))
                .attr("_restore");
        return py::make_tuple(restore, py::make_tuple(py::bytes(to_bytes(state.program)),
                                                      state.parameters, state.has_one_output))
            .release()
            .ptr();
    });
}

PyObject* restore(PyObject* type, PyObject* args) {
    PyObject *bytes, *parameters;
    int has_one_output;
    if (!PyArg_ParseTuple(args, "SO!p:_restore", &bytes, &PyTuple_Type, &parameters,
                          &has_one_output))
        return nullptr;
    return guarded([&] {
        Program program =
            from_bytes(PyBytes_AS_STRING(bytes), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes)));
        return new_function(
            reinterpret_cast<PyTypeObject*>(type),
            restored(std::move(program), py::reinterpret_borrow<py::tuple>(parameters),
                     has_one_output != 0));
    });
}

// A file is the program, a byte that says whether there is one output, the parameters' data, how
// many bytes the program has, and a checksum of all that.
constexpr std::size_t number_size = 8;
constexpr std::size_t end_size = 2 * number_size;

PyObject* bytes_of_file(PyObject* self, PyObject*) {
    return guarded([&]() -> PyObject* {
        const FunctionState& state = state_of_function(self);
        if (!may_be_read(state.nodes, "the data of a parameter")) return nullptr;
        const std::string program = to_bytes(state.program);
        std::string bytes = program;
        bytes += state.has_one_output ? '\1' : '\0';
        for (const Node* node : state.nodes)
            append_bytes(bytes, std::bit_cast<std::uint64_t>(node->data), number_size);
        append_bytes(bytes, program.size(), number_size);
        append_bytes(bytes, checksum(bytes), number_size);
        return py::bytes(bytes).release().ptr();
    });
}

PyObject* from_file(PyObject* type, PyObject* content) {
    return guarded([&] {
        if (!PyBytes_Check(content)) throw py::type_error("a saved Function must be bytes");
        const std::string_view bytes = py::reinterpret_borrow<py::bytes>(content);
        const auto refuse = [](const char* what) {
            throw py::value_error(std::string("not a saved Function: ") + what);
        };
        if (bytes.size() < 1 + end_size) refuse("it is too short");
        const std::size_t end = bytes.size() - end_size;
        const std::size_t size = from_bytes_at(bytes.data() + end, number_size);
        if (from_bytes_at(bytes.data() + end + number_size, number_size) !=
            checksum(bytes.substr(0, end + number_size)))
            refuse("its checksum is wrong");
        if (size > end - 1) refuse("it does not end as one");
        Program program = from_bytes(bytes.data(), size);
        const char* data = bytes.data() + size + 1;
        if (end - size - 1 != program.parameters * number_size || (data[-1] != 0 && data[-1] != 1))
            refuse("its parameters do not fit its program");
        py::tuple parameters(program.parameters);
        for (std::size_t i = 0; i < program.parameters; ++i) {
            PyObject* leaf =
                new_leaf(std::bit_cast<double>(from_bytes_at(data + i * number_size, number_size)));
            if (leaf == nullptr) throw py::error_already_set();
            parameters[i] = py::reinterpret_steal<py::object>(leaf);
        }
        return new_function(reinterpret_cast<PyTypeObject*>(type),
                            restored(std::move(program), parameters, data[-1] == 1));
    });
}

}  // namespace

PyMethodDef function_pickling[] = {
    {"__reduce__", locked<reduce>, METH_NOARGS,
     "__reduce__($self, /)\n--\n\nThe program and the parameters, for pickle and copy."},
    {"_restore", locked<restore>, METH_VARARGS | METH_CLASS,
     "_restore($type, program, parameters, has_one_output, /)\n--\n\nWhat __reduce__ took apart."},
    {"_to_bytes", locked<bytes_of_file>, METH_NOARGS,
     "_to_bytes($self, /)\n--\n\nWhat save() writes."},
    {"_from_bytes", locked<from_file>, METH_O | METH_CLASS,
     "_from_bytes($type, content, /)\n--\n\nWhat load() returns for a file's content."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace megagrad::python
