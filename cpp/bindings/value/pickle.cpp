// Pickle, for graphs of any depth.
//
// Pickle recurses into what an object is made of. To keep that flat, a Value is reduced to a call
// of
// `_restore` whose first argument lists all it depends on, operands first. For y = a*b + c:
//
//     y            _restore((list, end), Value, "add", 10.0, ..., t, c)
//       list       saved item by item; each one's operands are known to the pickler by then:
//         a            _restore(None, Value, "leaf", 2.0, ...)
//         b            _restore(None, Value, "leaf", 3.0, ...)
//         t            _restore(None, Value, "mul", 6.0, ..., a, b)    a and b by reference
//         c            _restore(None, Value, "leaf", 4.0, ...)
//       end        None: from here on all of the list are known
//       t, c       by reference
//
// So nothing nests, and sharing is kept, within a graph and between graphs. Of many roots each
// lists what is new: an item of the list is `listed` until it is reduced, and then `known`.
#include <cstdint>
#include <memory>
#include <vector>

#include "bindings/value/recording.hpp"
#include "bindings/value/value.hpp"
#include "bindings/value/walk.hpp"

namespace megagrad::python {

namespace {

// What a root depends on, in topological order and without the root: iterable, and reduced to a
// list. Its nodes are owned: saving them runs code of the user's, which may change the graph. A
// node is flagged from the moment it is handed out until it is reduced; its operands are then
// known to the pickler. The collector sees through the list: an attribute may lead back to it.
struct Descendants {
    PyObject_HEAD
    Array<Node*>* order;
    std::size_t next;
};

// Saved after a root's descendants, to say that they are all known.
struct EndOfDescendants {
    PyObject_HEAD
    PyObject* descendants;
};

PyTypeObject *descendants_type = nullptr, *end_type = nullptr;

// The nodes that the pickler at work knows, as far as that can be told from outside: it cannot be
// asked. Those that were listed have marks in a row, as long as no other traversal comes, and
// the pickler keeps their lists alive. That another pickler is at work shows when a known node is
// to be reduced: then none is believed to be known, and it lists all that it depends on.
struct Marks {
    std::uint64_t first = 0, end = 0;
    bool has(const Node& node) const { return ((node.epoch - first) & epoch_mask) < end - first; }
};
class KnownNodes {
public:
    Marks marks() const {
        if (lists_ > 0 && marks_.end == traversals + 1) return marks_;
        return {traversals + 1, traversals + 1};
    }
    bool has(const Node& node) const { return marks().has(node); }
    void add(Node& node) const {
        if (marks().first <= traversals) node.mark(traversals);
    }
    void forget() { marks_ = {}; }
    void list_made(std::uint64_t first_mark) {
        marks_ = {first_mark, traversals + 1};
        ++lists_;
    }
    void list_ended() { --lists_; }

private:
    Marks marks_;
    std::size_t lists_ = 0;
};
KnownNodes known;

// A node that the pickler knew before was handed out, but is never reduced.
void clear_flags(const Descendants* list) {
    for (Node* node : *list->order) node->clear(listed);
}

// Whether an operand does not come before its user in an order of all nodes but those known before.
// Leaves need not: when someone looks at the graph meanwhile, plain numbers become leaves.
bool contains_itself(const Array<Node*>& order, const Marks& known_before) {
    const std::uint64_t mark = ++traversals & epoch_mask;
    for (Node* node : order) {
        bool in_order = true;
        for_each_operand(*node, [&](Node* operand) {
            in_order &= operand->epoch == mark || known_before.has(*operand) || is_leaf(*operand);
        });
        if (!in_order) return true;
        node->mark(mark);
    }
    return false;
}

PyObject* new_descendants(PyObject* root) {
    auto order = std::unique_ptr<Array<Node*>>(new (std::nothrow) Array<Node*>);
    if (!order) return PyErr_NoMemory();
    const Marks before = known.marks();
    const auto is_known = [&](const Node& node) { return before.has(node); };
    if (!list_all(&as_value(root)->node, *order, is_known)) return nullptr;
    if (contains_itself(*order, before)) {
        PyErr_SetString(PyExc_ValueError,
                        "cannot pickle a graph that contains itself, or that changes meanwhile");
        return nullptr;
    }
    order->pop_back();             // the root
    const Held meanwhile(*order);  // as an allocation may run the collector, and so any code
    auto* list = PyObject_GC_New(Descendants, descendants_type);
    if (list == nullptr) return nullptr;
    for (Node* node : *order) Py_INCREF(object_of(node));
    list->order = order.release();
    list->next = 0;
    known.list_made(before.first);
    PyObject_GC_Track(list);
    return reinterpret_cast<PyObject*>(list);
}

int descendants_traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    for (Node* node : *reinterpret_cast<Descendants*>(self)->order) Py_VISIT(object_of(node));
    return 0;
}

int descendants_clear(PyObject* self) {
    auto* list = reinterpret_cast<Descendants*>(self);
    clear_flags(list);
    Array<Node*> old;
    old.swap(*list->order);
    list->next = 0;
    for (Node* node : old) Py_DECREF(object_of(node));
    return 0;
}

void descendants_dealloc(PyObject* self) {
    PyObject_GC_UnTrack(self);
    descendants_clear(self);
    delete reinterpret_cast<Descendants*>(self)->order;
    known.list_ended();
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

PyObject* descendants_next(PyObject* self) {
    auto* list = reinterpret_cast<Descendants*>(self);
    if (list->next == list->order->size()) return nullptr;
    if (list->next % poll_interval == poll_interval - 1 && PyErr_CheckSignals() != 0)
        return nullptr;
    Node* node = (*list->order)[list->next++];
    node->set(listed);
    return Py_NewRef(object_of(node));
}

PyObject* descendants_reduce(PyObject* self, PyObject*) {
    auto* list = reinterpret_cast<Descendants*>(self);
    list->next = 0;
    return Py_BuildValue("(O()OO)", &PyList_Type, Py_None, self);
}

PyMethodDef descendants_methods[] = {{"__reduce_ex__", locked<descendants_reduce>, METH_O, nullptr},
                                     {nullptr, nullptr, 0, nullptr}};

PyObject* new_end(PyObject* descendants) {
    auto* end = PyObject_GC_New(EndOfDescendants, end_type);
    if (end == nullptr) return nullptr;
    end->descendants = Py_NewRef(descendants);
    PyObject_GC_Track(end);
    return reinterpret_cast<PyObject*>(end);
}

// Nothing needs to clear it: every cycle through it passes its descendants, who are cleared.
int end_traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(reinterpret_cast<EndOfDescendants*>(self)->descendants);
    return 0;
}

void end_dealloc(PyObject* self) {
    PyObject_GC_UnTrack(self);
    PyTypeObject* type = Py_TYPE(self);
    Py_DECREF(reinterpret_cast<EndOfDescendants*>(self)->descendants);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

PyObject* end_reduce(PyObject* self, PyObject*) {
    PyObject* descendants = reinterpret_cast<EndOfDescendants*>(self)->descendants;
    clear_flags(reinterpret_cast<Descendants*>(descendants));
    return Py_BuildValue("(O())", Py_TYPE(Py_None));
}

PyMethodDef end_methods[] = {{"__reduce_ex__", locked<end_reduce>, METH_O, nullptr},
                             {nullptr, nullptr, 0, nullptr}};

PyTypeObject* make_type(const char* name, std::size_t size, PyType_Slot* slots) {
    PyType_Spec spec{name, static_cast<int>(size), 0,
                     Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                     slots};
    return reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
}

bool has_unknown_operand(const Node& node) {
    bool unknown = false;
    for_each_operand(node, [&](Node* operand) {
        unknown |= (!is_leaf(*operand) || operand->has(extended)) && !known.has(*operand);
    });
    return unknown;
}

// Whether the node is reduced without what it depends on, as the pickler knows that.
bool is_alone(Node& node) {
    if (node.has(listed)) {
        node.clear(listed);
        return true;
    }
    if (known.has(node)) known.forget();
    if (has_unknown_operand(node)) return false;
    known.add(node);
    return true;
}

PyObject* operand_object(const Node& node, Flag is_node, const Operand& operand) {
    if (node.has(is_node)) return Py_NewRef(object_of(operand.node));
    Owned number(PyFloat_FromDouble(operand.number));
    if (number && is_node == rhs_is_node && node.has(whole_parameter))
        return PyNumber_Long(number.get());
    return number.release();
}

PyObject* partials_object(PyObject* self) { return PyObject_GetAttrString(self, "_local_grads"); }

// The same str object for an op every time, so that pickle stores its name once.
PyObject* op_name(const Node& node) {
    static PyObject* names[op_infos.size() + 1] = {};
    const bool is_number = node.op() == Op::leaf && node.has(plain_number);
    PyObject*& name = names[is_number ? op_infos.size() : static_cast<std::size_t>(node.op())];
    if (name == nullptr)
        name = PyUnicode_InternFromString(is_number ? number_name : info(node.op()).name);
    return name;
}

// A tuple of the descendants and their end.
PyObject* with_descendants(PyObject* root) {
    Owned descendants(new_descendants(root));
    if (!descendants) return nullptr;
    Owned end(new_end(descendants.get()));
    return end ? PyTuple_Pack(2, descendants.get(), end.get()) : nullptr;
}

// Of _restore(), for a node whose descendants are in `before`.
PyObject* arguments_of(PyObject* self, PyObject* before) {
    const Node& node = as_value(self)->node;
    PyObject* name = op_name(node);
    if (name == nullptr) return nullptr;
    if (node.op() == Op::leaf)
        return Py_BuildValue("(OOOdd)", before, Py_TYPE(self), name, node.data, node.grad);
    const bool custom = node.op() == Op::custom;
    const Owned lhs(custom ? children_tuple(self) : operand_object(node, lhs_is_node, node.lhs));
    const Owned rhs(custom ? partials_object(self)
                           : operand_object(node, rhs_is_node, rhs_of(node)));
    if (!lhs || !rhs) return nullptr;
    return Py_BuildValue("(OOOddOO)", before, Py_TYPE(self), name, node.data, node.grad, lhs.get(),
                         rhs.get());
}

// Borrowed from `kept`, which is filled at the first call.
PyObject* function_of_module(const char* name, PyObject*& kept) {
    if (kept == nullptr) {
        const Owned module(PyImport_ImportModule("megagrad._core"));
        if (module) kept = PyObject_GetAttrString(module.get(), name);
    }
    return kept;
}
PyObject *restore_kept = nullptr, *set_state_kept = nullptr;

PyObject* reduce(PyObject* self, PyObject*) {
    Node& node = as_value(self)->node;
    // What is below a root that has been listed was looked at with that.
    if (!node.has(listed) && !may_be_read(self, "a pickle")) return nullptr;
    const bool alone = !is_bulk(node.op()) && is_alone(node);  // listing unfolds it
    if (overrides(Py_TYPE(self), &PyBaseObject_Type, method_names.reduce))
        return PyObject_CallMethod(self, "__reduce__", nullptr);
    PyObject* callable = function_of_module("_restore", restore_kept);
    PyObject* setter = function_of_module("_set_state", set_state_kept);
    if (callable == nullptr || setter == nullptr) return nullptr;
    Owned before(alone ? Py_NewRef(Py_None) : with_descendants(self));
    if (!before) return nullptr;
    Owned state(state_of(self));
    if (!state) return nullptr;
    const Owned args(arguments_of(self, before.get()));
    if (!args) return nullptr;
    if (state.get() == Py_None) return PyTuple_Pack(2, callable, args.get());
    return PyTuple_Pack(6, callable, args.get(), state.get(), Py_None, Py_None, setter);
}

}  // namespace

bool make_pickling_types() {
    PyType_Slot list_slots[] = {
        {Py_tp_dealloc, reinterpret_cast<void*>(deallocation<descendants_dealloc>)},
        {Py_tp_traverse, reinterpret_cast<void*>(descendants_traverse)},
        {Py_tp_clear, reinterpret_cast<void*>(locked<descendants_clear>)},
        {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
        {Py_tp_iternext, reinterpret_cast<void*>(locked<descendants_next>)},
        {Py_tp_methods, descendants_methods},
        {0, nullptr}};
    PyType_Slot end_slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(deallocation<end_dealloc>)},
                               {Py_tp_traverse, reinterpret_cast<void*>(end_traverse)},
                               {Py_tp_methods, end_methods},
                               {0, nullptr}};
    descendants_type = make_type("megagrad._core.Descendants", sizeof(Descendants), list_slots);
    end_type = make_type("megagrad._core.EndOfDescendants", sizeof(EndOfDescendants), end_slots);
    return descendants_type != nullptr && end_type != nullptr;
}

PyMethodDef pickle_methods[] = {
    {"__reduce_ex__", locked<reduce>, METH_O,
     "__reduce_ex__($self, protocol, /)\n--\n\nFor pickle: works for graphs of any depth."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace megagrad::python
