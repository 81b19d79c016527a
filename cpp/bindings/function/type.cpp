// The type `Function`.
#include "bindings/function/function.hpp"

namespace py = pybind11;

namespace megagrad::python {

namespace {

PyTypeObject* function_type = nullptr;

PyFunction* as_function(PyObject* self) { return reinterpret_cast<PyFunction*>(self); }

int traverse_function(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    if (const FunctionState* state = as_function(self)->state) Py_VISIT(state->parameters.ptr());
    return 0;
}

int clear_function(PyObject* self) {
    delete std::exchange(as_function(self)->state, nullptr);
    return 0;
}

void deallocate_function(PyObject* self) {
    PyObject_GC_UnTrack(self);
    if (as_function(self)->weakrefs != nullptr) PyObject_ClearWeakRefs(self);
    clear_function(self);
    PyTypeObject* type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

PyObject* function_text(PyObject* self) {
    return guarded(
        [&] { return py::str(listing(state_of_function(self).program)).release().ptr(); });
}

PyObject* function_repr(PyObject* self) {
    return guarded([&] {
        const FunctionState& state = state_of_function(self);
        return PyUnicode_FromFormat(
            "<%s of %zu inputs and %zu parameters, %zu outputs: %zu instructions>",
            Py_TYPE(self)->tp_name, state.inputs(), state.nodes.size(), state.outputs(),
            state.program.instructions.size());
    });
}

template <class Get>
PyObject* attribute(PyObject* self, Get get) {
    const EngineLock lock;
    return guarded([&] {
        py::object result = get(state_of_function(self));
        return result.release().ptr();
    });
}

PyObject* counts(PyObject* self, void*) {
    return attribute(self, [](FunctionState& state) {
        const Counts& counts = state.program.counts;
        py::dict result;
        result["recorded"] = counts.recorded;
        result["folded"] = counts.folded;
        result["merged"] = counts.merged;
        result["dropped"] = counts.dropped;
        result["fused"] = counts.fused;
        result["instructions"] = state.program.instructions.size();
        result["rows"] = state.plan({}).registers;
        result["gradient_rows"] = state.plan({true, true}).registers;
        return result;
    });
}

PyGetSetDef function_attributes[] = {
    {"parameters",
     [](PyObject* self, void*) {
         return attribute(self, [](FunctionState& state) { return state.parameters; });
     },
     nullptr, "The Values whose data every call reads, a tuple.", nullptr},
    {"n_inputs",
     [](PyObject* self, void*) {
         return attribute(self, [](FunctionState& state) { return py::int_(state.inputs()); });
     },
     nullptr, "How many inputs there are.", nullptr},
    {"n_outputs",
     [](PyObject* self, void*) {
         return attribute(self, [](FunctionState& state) { return py::int_(state.outputs()); });
     },
     nullptr, "How many outputs there are.", nullptr},
    {"stripe",
     [](PyObject* self, void*) {
         return attribute(self, [](FunctionState& state) {
             return py::int_(stripe_of(state.plan({true, true})));
         });
     },
     nullptr,
     "How many points are summed one after the other in gradients; the sums of such stripes are\n"
     "added as a balanced tree. A batch that is cut after a multiple of it has the same stripes.",
     nullptr},
    {"counts", counts, nullptr,
     "What became of the recorded operations, a dict: how many were `recorded`; of those `folded`\n"
     "from constants, `merged` with equal ones, `dropped` as no output needs them, `fused` into\n"
     "sums of products; the `instructions` that are left; and the `rows` of numbers that a block\n"
     "of points takes, for values alone and with gradients.",
     nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyMemberDef function_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(PyFunction, vectorcall), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(PyFunction, weakrefs), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr}};

constexpr const char* function_doc =
    "Function(inputs, outputs, parameters=None, *, contract=True)\n--\n\n"
    "A graph, recorded once, that is computed for whole arrays of points at machine speed.\n\n"
    "inputs: a list of leaf Values, no two the same; their data do not matter. outputs: a Value, "
    "or\n"
    "a list of Values, that depend on them. parameters: a list of leaf Values that fixes which "
    "ones\n"
    "are parameters, and their order, as a model's parameters(); other leaves then are constants\n"
    "with the data that they have now. Without it every other leaf is a parameter, in the order "
    "of\n"
    "first use. Plain numbers are constants. Each list may be an array, which is taken row by "
    "row.\n\n"
    "contract: True lets a product and the sum that it is added to be rounded once, as a fused\n"
    "multiply-add, and uses vector functions that may differ from the C library's by a few units\n"
    "in the last place. False gives the bits of eager code; only gradients that meet at one Value\n"
    "may be added in another order. It is slower. Sums keep the order that was written in both.\n\n"
    "Calls take `data`, an array of shape (n, n_inputs) for n points, or (n_inputs,) for a single\n"
    "one; with a list of outputs, results have one more dimension for them. Everything is "
    "computed\n"
    "in float64. Parameters' data are read at each call, or given as params=, an array of shape\n"
    "(n_parameters,). threads= is how many threads share the points; by default as many as pay.\n"
    "Results do not depend on it.\n\n"
    "What the program did while it built the graph is frozen: an `if` on data has chosen its "
    "branch\n"
    "for good. Use where(), maximum(), relu() and comparisons that are methods, as x.less(y).\n\n"
    "Raises TypeError for anything but Values; ValueError for inputs or parameters that are no\n"
    "leaves or come twice, and for nodes with a rule of the user's own.";

}  // namespace

const Plan& FunctionState::plan(Wanted wanted) {
    std::unique_ptr<const Plan>& plan = plans[wanted.inputs + 2 * wanted.parameters];
    if (!plan) plan = std::make_unique<const Plan>(megagrad::plan(program, wanted));
    return *plan;
}

FunctionState& state_of_function(PyObject* self) {
    FunctionState* state = as_function(self)->state;
    if (state == nullptr) throw py::value_error("this Function was taken apart by the collector");
    return *state;
}

PyObject* new_function(PyTypeObject* type, std::unique_ptr<FunctionState> state) {
    load_numpy();
    PyObject* self = type->tp_alloc(type, 0);
    if (self == nullptr) return nullptr;
    as_function(self)->vectorcall = locked<call_function>;
    as_function(self)->state = state.release();
    return self;
}

bool make_function_type(PyObject* module) {
    static std::vector<PyMethodDef> methods;
    for (const PyMethodDef* table : {function_calls, function_pickling})
        for (; table->ml_name != nullptr; ++table) methods.push_back(*table);
    methods.push_back({nullptr, nullptr, 0, nullptr});
    PyType_Slot slots[] = {
        {Py_tp_new, reinterpret_cast<void*>(locked<construct_function>)},
        {Py_tp_dealloc, reinterpret_cast<void*>(deallocation<deallocate_function>)},
        {Py_tp_traverse, reinterpret_cast<void*>(traverse_function)},
        {Py_tp_clear, reinterpret_cast<void*>(locked<clear_function>)},
        {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
        {Py_tp_str, reinterpret_cast<void*>(locked<function_text>)},
        {Py_tp_repr, reinterpret_cast<void*>(locked<function_repr>)},
        {Py_tp_methods, methods.data()},
        {Py_tp_getset, function_attributes},
        {Py_tp_members, function_members},
        {Py_tp_doc, const_cast<char*>(function_doc)},
        {0, nullptr}};
    PyType_Spec spec{
        "megagrad.Function", sizeof(PyFunction), 0,
        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
        slots};
    function_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
    return function_type != nullptr &&
           PyModule_AddObjectRef(module, "Function", reinterpret_cast<PyObject*>(function_type)) ==
               0;
}

}  // namespace megagrad::python
