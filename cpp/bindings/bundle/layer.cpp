// Layers and networks in one call: what nn.Layer and nn.MLP do when called.
//
// Neurons and layers are Python objects, whose attributes anyone may change: they are read anew at
// every call. What is not exactly an nn.Neuron or nn.Layer, or holds something unusual, is called
// as Python would.
#include <cmath>
#include <utility>

#include "bindings/bundle/bundle.hpp"

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

// A neuron's attributes; null where there is none. Walking the dict finds them sooner than looking
// them up does; names that are set as attributes are the same objects every time.
struct NeuronAttributes {
    PyObject *w = nullptr, *b = nullptr, *nonlin = nullptr, *activation = nullptr;

    explicit NeuronAttributes(PyObject* dict) {
        PyObject *name, *value;
        for (Py_ssize_t position = 0; PyDict_Next(dict, &position, &name, &value);) {
            if (name == w_name)
                w = value;
            else if (name == b_name)
                b = value;
            else if (name == nonlin_name)
                nonlin = value;
            else if (name == activation_name)
                activation = value;
        }
    }
};

// The op that can be an activation and has this name; leaf if there is none. Names are mostly the
// same object every time.
Op activation_op(PyObject* name) {
    static PyObject* last_name = nullptr;
    static Op last_op = Op::leaf;
    if (name == last_name) return last_op;
    for (std::size_t i = 0; i < op_infos.size(); ++i) {
        const Kind kind = op_infos[i].kind;
        if ((kind == Kind::unary || kind == Kind::parametric) &&
            PyUnicode_CompareWithASCIIString(name, op_infos[i].name) == 0) {
            Py_XSETREF(last_name, Py_NewRef(name));
            return last_op = static_cast<Op>(i);
        }
    }
    return Op::leaf;
}

// The activation of a layer's neurons, which is mostly the same for all.
class Activation {
public:
    // The op, or leaf for none; false if neurons have to be called as Python would.
    bool find(PyObject* nonlin, PyObject* name, Op& op) {
        op = Op::leaf;
        if (nonlin == Py_False) return true;
        if (nonlin != Py_True || name == nullptr || !PyUnicode_CheckExact(name)) return false;
        if (name != name_.get()) {
            op_ = activation_op(name);
            if (op_ != Op::leaf && !is_native_method(op_)) op_ = Op::leaf;
            name_.reset(Py_NewRef(name));
        }
        op = op_;
        return op != Op::leaf;
    }

private:
    Owned name_;
    Op op_ = Op::leaf;
};

// The op on a dot, one node. What the op has to check, it checks on a node of its own.
PyObject* neuron_node(Op op, const Owned& weights, const Owned& x) {
    const double total = dot(bundle_in(weights), bundle_in(x));
    const double data = evaluate(op, total, info(op).default_parameter);
    if (std::isfinite(data)) return bulk_node(on_dot(op), data, weights, x);
    const Owned sum(dot_node(weights, x));
    return sum ? apply(op, sum.get()) : nullptr;
}

constexpr Source weights_source{"a neuron", "w"}, inputs_source{"a layer", "x"};

enum class Outcome { done, error, unusual };

// The neuron's output, computed without entering Python.
Outcome fire(PyObject* neuron, const Owned& inputs, Activation& activation, Owned& output) {
    const Owned own_dict(PyObject_GenericGetDict(neuron, nullptr));
    const Owned dict(own_dict ? unchanging_dict(own_dict.get()) : nullptr);
    if (!dict) return Outcome::error;
    const NeuronAttributes attributes(dict.get());
    Op op;
    if (attributes.w == nullptr || !PyList_CheckExact(attributes.w) || attributes.b == nullptr ||
        !is_exact_value(attributes.b) ||
        !activation.find(attributes.nonlin, attributes.activation, op))
        return Outcome::unusual;
    Owned w(Py_NewRef(attributes.w));
    const Owned b(Py_NewRef(attributes.b));
    const Owned weights = bundle_of_items(w, b.get(), weights_source);
    if (!weights) return Outcome::error;
    if (bundle_in(weights).count != bundle_in(inputs).count || needs_loop(weights, inputs))
        return Outcome::unusual;
    output.reset(op == Op::leaf ? dot_node(weights, inputs) : neuron_node(op, weights, inputs));
    return output ? Outcome::done : Outcome::error;
}

// Calls the neurons of a layer on the same inputs.
class LayerCall {
public:
    // x: an iterable; items: its items.
    LayerCall(PyObject* x, Owned items)
        : x_(PySequence_Check(x) ? x : items.get()), items_(std::move(items)) {}

    Owned output_of(PyObject* neuron) {
        Owned output;
        Outcome outcome = Outcome::unusual;
        if (Py_TYPE(neuron) == neuron_class.type) {
            if (!is_prepared_ && !prepare()) return nullptr;
            if (is_known_ && bundle_) outcome = fire(neuron, bundle_, activation_, output);
        }
        if (outcome == Outcome::unusual) {
            is_prepared_ = false;  // code of the user's may change anything
            output.reset(PyObject_CallOneArg(neuron, x_));
        }
        return output;
    }

    bool prepare() {
        is_known_ = neuron_class.is_unpatched();
        activation_ = {};
        bundle_.reset();
        is_prepared_ = true;
        if (PySequence_Fast_GET_SIZE(items_.get()) == 0) return true;  // the neurons will complain
        Owned now(Py_NewRef(items_.get()));
        bundle_ = bundle_of_items(now, nullptr, inputs_source);
        return bundle_ != nullptr;
    }

private:
    PyObject* x_;
    Owned items_;
    Owned bundle_;  // null if neurons have to be called as Python would
    bool is_known_ = false, is_prepared_ = false;
    Activation activation_;
};

// The outputs of neurons in a list or tuple, a list. x: an iterable.
Owned outputs_of(const Owned& neurons, PyObject* x) {
    Owned items = items_of(x, inputs_source);
    if (!items) return nullptr;
    LayerCall call(x, std::move(items));
    if (!call.prepare()) return nullptr;
    const Py_ssize_t count = PySequence_Fast_GET_SIZE(neurons.get());
    Owned outputs(PyList_New(count));
    if (!outputs) return nullptr;
    PyObject_GC_UnTrack(outputs.get());  // nobody is to come across a list with holes
    for (Py_ssize_t i = 0; i < count; ++i) {
        if (PySequence_Fast_GET_SIZE(neurons.get()) != count) {
            PyErr_SetString(PyExc_RuntimeError, "the list of neurons changed size meanwhile");
            return nullptr;
        }
        const Owned neuron(Py_NewRef(PySequence_Fast_GET_ITEM(neurons.get(), i)));
        Owned output = call.output_of(neuron.get());
        if (!output) return nullptr;
        PyList_SET_ITEM(outputs.get(), i, output.release());
    }
    PyObject_GC_Track(outputs.get());
    return outputs;
}

Owned only_item_or_all(Owned outputs) {
    if (!outputs || PyList_GET_SIZE(outputs.get()) != 1) return outputs;
    return Owned(Py_NewRef(PyList_GET_ITEM(outputs.get(), 0)));
}

Owned call_layer(PyObject* layer, PyObject* x) {
    if (Py_TYPE(layer) == layer_class.type && layer_class.is_unpatched()) {
        const Owned dict(PyObject_GenericGetDict(layer, nullptr));
        if (!dict) return nullptr;
        const Owned neurons(dict_item(dict.get(), neurons_name));
        if (neurons && PyList_CheckExact(neurons.get())) {
            const Owned items(unchanging_items(neurons.get()));
            return items ? only_item_or_all(outputs_of(items, x)) : nullptr;
        }
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

// The first of two arguments, as a list or tuple; null with TypeError set if there are not two.
Owned parts_of(PyObject* const* args, Py_ssize_t count, const char* message) {
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, message);
        return nullptr;
    }
    const Owned parts(PySequence_Fast(args[0], message));
    return Owned(parts ? unchanging_items(parts.get()) : nullptr);
}

PyObject* run_layer(PyObject*, PyObject* const* args, Py_ssize_t count) {
    const Owned neurons = parts_of(args, count, "a layer needs a list of neurons, and inputs");
    return neurons ? only_item_or_all(outputs_of(neurons, args[1])).release() : nullptr;
}

PyObject* run_network(PyObject*, PyObject* const* args, Py_ssize_t count) {
    const Owned layers = parts_of(args, count, "a network needs a list of layers, and inputs");
    if (!layers) return nullptr;
    Owned out(Py_NewRef(args[1]));
    for (Py_ssize_t i = 0; out && i < PySequence_Fast_GET_SIZE(layers.get()); ++i) {
        const Owned layer(Py_NewRef(PySequence_Fast_GET_ITEM(layers.get(), i)));
        const Owned x = as_inputs(std::move(out));
        out = x ? call_layer(layer.get(), x.get()) : nullptr;
    }
    return out.release();
}

PyObject* know_classes(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (count != 2 || !PyType_Check(args[0]) || !PyType_Check(args[1]))
        return PyErr_Format(PyExc_TypeError, "needs the classes Neuron and Layer");
    if (!neuron_class.set(args[0]) || !layer_class.set(args[1])) return nullptr;
    Py_RETURN_NONE;
}

template <auto call>
PyMethodDef function(const char* name, const char* doc) {
    return method_def<call>(name, METH_FASTCALL, doc);
}

}  // namespace

bool intern_layer_names() {
    const std::pair<PyObject**, const char*> names[] = {{&call_name, "__call__"},
                                                        {&w_name, "w"},
                                                        {&b_name, "b"},
                                                        {&nonlin_name, "nonlin"},
                                                        {&neurons_name, "neurons"},
                                                        {&activation_name, "activation"}};
    for (const auto& [name, text] : names)
        if ((*name = PyUnicode_InternFromString(text)) == nullptr) return false;
    return true;
}

PyMethodDef layer_functions[] = {
    function<run_layer>("_layer",
                        "_layer($module, neurons, x, /)\n--\n\nWhat nn.Layer returns for x."),
    function<run_network>("_network",
                          "_network($module, layers, x, /)\n--\n\nWhat nn.MLP returns for x."),
    function<know_classes>("_know_classes",
                           "_know_classes($module, neuron, layer, /)\n--\n\n"
                           "Tells which classes nn.Neuron and nn.Layer are."),
    {nullptr, nullptr, 0, nullptr}};

}  // namespace megagrad::python
