// Layers and networks in one call: what nn.Layer and nn.MLP do when called.
//
// Neurons and layers are Python objects, whose attributes anyone may change: they are read anew at
// every call. What is not exactly an nn.Neuron or nn.Layer, or holds something unusual, is called as
// Python would.
#include <utility>

#include "operands.hpp"

namespace megagrad::python {

namespace {

// A class of nn's, and what it was when it was made known.
struct KnownClass {
    PyTypeObject* type = nullptr;
    PyObject* call = nullptr;  // its __call__

    bool set(PyObject* object);
    bool is_unpatched() const;
};
KnownClass neuron_class, layer_class;

PyObject *call_name, *w_name, *b_name, *nonlin_name, *activation_name, *neurons_name;

bool KnownClass::set(PyObject* object) {
    type = reinterpret_cast<PyTypeObject*>(Py_NewRef(object));
    call = PyObject_GetAttr(object, call_name);
    return call != nullptr;
}

bool KnownClass::is_unpatched() const {
    return type != nullptr && PyDict_GetItemWithError(type->tp_dict, call_name) == call;
}

Owned attributes_of(PyObject* object) { return Owned(PyObject_GenericGetDict(object, nullptr)); }

// Null, without an exception, if there is none.
PyObject* borrowed(const Owned& attributes, PyObject* name) {
    return PyDict_GetItemWithError(attributes.get(), name);
}
Owned attribute(const Owned& attributes, PyObject* name) {
    return Owned(Py_XNewRef(borrowed(attributes, name)));
}

// The ops that may be an activation, by name. Names are mostly the same objects every time.
bool find_activation(PyObject* name, Op& op) {
    static PyObject* last_name = nullptr;
    static Op last_op = Op::leaf;
    if (name != last_name) {
        if (!PyUnicode_CheckExact(name)) return false;
        for (std::size_t i = 0; i < op_infos.size(); ++i) {
            const Kind kind = op_infos[i].kind;
            if ((kind != Kind::unary && kind != Kind::parametric) ||
                PyUnicode_CompareWithASCIIString(name, op_infos[i].name) != 0)
                continue;
            Py_XSETREF(last_name, Py_NewRef(name));
            last_op = static_cast<Op>(i);
        }
        if (name != last_name) return false;
    }
    op = last_op;
    return is_native_method(op);
}

// What all neurons of a layer work on.
struct Inputs {
    PyObject* x;
    Owned row;  // null if neurons have to be called as Python would
};

constexpr Source weights_source{"a neuron", "w"}, inputs_source{"a layer", "x"};

enum class Outcome { done, error, unusual };

// The neuron's output, computed without entering Python.
Outcome fire(PyObject* neuron, const Owned& inputs, Owned& output) {
    const Owned attributes = attributes_of(neuron);
    if (!attributes) return Outcome::error;
    const Owned w = attribute(attributes, w_name), b = attribute(attributes, b_name);
    PyObject* nonlin = borrowed(attributes, nonlin_name);
    PyObject* activation = borrowed(attributes, activation_name);
    if (!w || !PyList_CheckExact(w.get()) || !b || !is_exact_value(b.get()) ||
        static_cast<std::size_t>(PyList_GET_SIZE(w.get())) != operands_in(inputs).count)
        return Outcome::unusual;
    Op op = Op::leaf;
    if (nonlin != Py_False &&
        (nonlin != Py_True || activation == nullptr || !find_activation(activation, op)))
        return Outcome::unusual;
    const Owned weights = row_of_items(w.get(), b.get(), weights_source);
    if (!weights) return Outcome::error;
    if (needs_loop(weights) || operands_in(weights).count != operands_in(inputs).count)
        return Outcome::unusual;
    output.reset(dot_node(weights, inputs));
    if (output && op != Op::leaf) output.reset(apply(op, output.get()));
    return output ? Outcome::done : Outcome::error;
}

bool call_neuron(PyObject* neuron, bool is_known, const Inputs& inputs, Owned& output) {
    if (is_known && inputs.row && Py_TYPE(neuron) == neuron_class.type) {
        const Outcome outcome = fire(neuron, inputs.row, output);
        if (outcome != Outcome::unusual) return outcome == Outcome::done;
    }
    output.reset(PyObject_CallOneArg(neuron, inputs.x));
    return output != nullptr;
}

// The outputs of a list of neurons, a list. x: a list, a tuple or another sequence.
Owned outputs_of(const Owned& neurons, PyObject* x) {
    const Owned items = items_of(x, inputs_source);
    if (!items) return nullptr;
    // An iterator is used up now.
    Inputs inputs{PySequence_Check(x) ? x : items.get(), nullptr};
    if (PySequence_Fast_GET_SIZE(items.get()) > 0) {  // else the neurons will complain
        inputs.row = row_of_items(items.get(), nullptr, inputs_source);
        if (!inputs.row) return nullptr;
        if (needs_loop(inputs.row)) inputs.row.reset();
    }
    const bool is_known = neuron_class.is_unpatched();
    const Owned called(PyList_AsTuple(neurons.get()));  // neurons may change the list
    if (!called) return nullptr;
    const Py_ssize_t count = PyTuple_GET_SIZE(called.get());
    Owned outputs(PyList_New(count));
    if (!outputs) return nullptr;
    for (Py_ssize_t i = 0; i < count; ++i) {
        Owned output;
        if (!call_neuron(PyTuple_GET_ITEM(called.get(), i), is_known, inputs, output))
            return nullptr;
        PyList_SET_ITEM(outputs.get(), i, output.release());
    }
    return outputs;
}

Owned only_item_or_all(Owned outputs) {
    if (!outputs || PyList_GET_SIZE(outputs.get()) != 1) return outputs;
    return Owned(Py_NewRef(PyList_GET_ITEM(outputs.get(), 0)));
}

Owned call_layer(PyObject* layer, bool is_known, PyObject* x) {
    if (is_known && Py_TYPE(layer) == layer_class.type) {
        const Owned attributes = attributes_of(layer);
        if (!attributes) return nullptr;
        const Owned neurons = attribute(attributes, neurons_name);
        if (neurons && PyList_CheckExact(neurons.get()))
            return only_item_or_all(outputs_of(neurons, x));
    }
    return Owned(PyObject_CallOneArg(layer, x));
}

// In a list, if it is a Value by itself.
Owned as_inputs(Owned outputs) {
    if (!is_value(outputs.get())) return outputs;
    Owned list(PyList_New(1));
    if (list) PyList_SET_ITEM(list.get(), 0, outputs.release());
    return list;
}

bool check_arguments(const char* what, PyObject* const* args, Py_ssize_t count) {
    if (count == 2 && PyList_Check(args[0])) return true;
    PyErr_Format(PyExc_TypeError, "needs a list of %s, and their inputs", what);
    return false;
}

PyObject* run_layer(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!check_arguments("neurons", args, count)) return nullptr;
    return only_item_or_all(outputs_of(Owned(Py_NewRef(args[0])), args[1])).release();
}

PyObject* run_network(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (!check_arguments("layers", args, count)) return nullptr;
    const bool is_known = layer_class.is_unpatched();
    Owned out(Py_NewRef(args[1]));
    for (Py_ssize_t i = 0; out && i < PyList_GET_SIZE(args[0]); ++i) {
        const Owned layer(Py_NewRef(PyList_GET_ITEM(args[0], i)));
        const Owned x = as_inputs(std::move(out));
        out = x ? call_layer(layer.get(), is_known, x.get()) : nullptr;
    }
    return out.release();
}

PyObject* know_classes(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (count != 2 || !PyType_Check(args[0]) || !PyType_Check(args[1]))
        return PyErr_Format(PyExc_TypeError, "needs the classes Neuron and Layer");
    if (!neuron_class.set(args[0]) || !layer_class.set(args[1])) return nullptr;
    Py_RETURN_NONE;
}

template <class Function>
PyMethodDef function(const char* name, Function* call, const char* doc) {
    auto* erased = reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(call));
    return {name, erased, METH_FASTCALL, doc};
}

}  // namespace

bool intern_layer_names() {
    const std::pair<PyObject**, const char*> names[] = {
        {&call_name, "__call__"}, {&w_name, "w"},
        {&b_name, "b"},           {&nonlin_name, "nonlin"},
        {&neurons_name, "neurons"}, {&activation_name, "activation"}};
    for (const auto& [name, text] : names)
        if ((*name = PyUnicode_InternFromString(text)) == nullptr) return false;
    return true;
}

PyMethodDef layer_functions[] = {
    function("_layer", run_layer,
             "_layer($module, neurons, x, /)\n--\n\nWhat nn.Layer returns for x."),
    function("_network", run_network,
             "_network($module, layers, x, /)\n--\n\nWhat nn.MLP returns for x."),
    function("_know_classes", know_classes,
             "_know_classes($module, neuron, layer, /)\n--\n\n"
             "Tells which classes nn.Neuron and nn.Layer are."),
    {nullptr, nullptr, 0, nullptr}};

}  // namespace megagrad::python
