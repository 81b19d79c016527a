#include "graph/backward.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "graph/bundle.hpp"
#include "graph/walk.hpp"
#include "platform/compiler.hpp"
#include "platform/running.hpp"

namespace megagrad {

namespace {

template <class Formulas>
inline void propagate_two(Node& node) {
    const double z = node.data, grad = node.grad;
    if (node.has_just(lhs_is_node | rhs_is_node, lhs_is_node | rhs_is_node | extended)) [[likely]] {
        Node &lhs = *node.lhs.node, &rhs = *node.rhs.node;
        const double x = lhs.data, y = rhs.data;
        lhs.grad += share(Formulas::dx(x, y, z), grad);
        rhs.grad += share(Formulas::dy(x, y, z), grad);
        return;
    }
    const double x = lhs_value(node), y = rhs_value(node);
    if (node.has(lhs_is_node)) node.lhs.node->grad += share(Formulas::dx(x, y, z), grad);
    if (node.has(rhs_is_node)) rhs_of(node).node->grad += share(Formulas::dy(x, y, z), grad);
}

template <class Formulas>
inline void propagate_one(Node& node) {
    Node& operand = *node.lhs.node;
    operand.grad += share(Formulas::dx(operand.data, 0.0, node.data), node.grad);
}

template <class Formulas>
inline void propagate_parametric(Node& node) {
    Node& operand = *node.lhs.node;
    operand.grad += share(Formulas::dx(operand.data, rhs_of(node).number, node.data), node.grad);
}

void propagate_custom(Node& node) {
    const Extension& extension = *node.rhs.extension;
    for (std::size_t i = 0; i < extension.partials.size(); ++i)
        extension.operands[i]->grad += share(extension.partials[i], node.grad);
}

void propagate_structural(Node& node) {
    switch (node.op()) {
        case Op::custom:
            return propagate_custom(node);
        case Op::bundle:
            return propagate_bundle(node);
#define MEGAGRAD_CASE(name, ...) \
    case Op::name:               \
        return propagate_##name(node);
            MEGAGRAD_BULK(MEGAGRAD_CASE)
#undef MEGAGRAD_CASE
        default:
            if (is_on_dot(node.op())) propagate_on_dot(node);
    }
}

inline void apply_chain_rule(Node& node) {
    const auto by_formulas = [&](auto formulas) {
        using Formulas = decltype(formulas);
        if constexpr (Formulas::kind == Kind::unary)
            propagate_one<Formulas>(node);
        else if constexpr (Formulas::kind == Kind::parametric)
            propagate_parametric<Formulas>(node);
        else
            propagate_two<Formulas>(node);
    };
    with_formulas(node.op(), by_formulas, [&] { propagate_structural(node); });
}

// The gradients that were there before this pass. They are set aside so that the pass propagates
// its own contribution alone, and come back when it ends, however it ends.
class EarlierGradients {
public:
    explicit EarlierGradients(std::vector<std::pair<Node*, double>>& saved) : saved_(saved) {
        saved_.clear();
    }
    EarlierGradients(const EarlierGradients&) = delete;
    EarlierGradients& operator=(const EarlierGradients&) = delete;
    ~EarlierGradients() { give_back(); }
    void give_back() const {
        for (const auto& [node, grad] : saved_) node->grad += grad;
    }
    void set_aside(Node* node) {
        if (node->grad == 0) return;
        saved_.emplace_back(node, node->grad);
        node->grad = 0;
    }

private:
    std::vector<std::pair<Node*, double>>& saved_;
};

struct Scratch {
    Traversal walk;
    std::vector<std::pair<Node*, double>> saved;
};

// One call's scratch memory is the next call's: asking the system for fresh pages costs as much as
// the pass itself on a graph of a million nodes (43 ns a node against 20). What a far smaller graph
// does not need, and what a huge one took, goes back.
class BorrowedScratch {
public:
    BorrowedScratch() : scratch_(std::move(spare())) {}
    BorrowedScratch(const BorrowedScratch&) = delete;
    BorrowedScratch& operator=(const BorrowedScratch&) = delete;
    ~BorrowedScratch() {
        if (is_worth_keeping()) spare() = std::move(scratch_);
    }
    Scratch* operator->() { return &scratch_; }

private:
    bool is_worth_keeping() const {
        constexpr std::size_t always_kept = 1 << 16, never_kept = 1 << 21;
        const auto& [walk, saved] = scratch_;
        const std::size_t capacity =
            std::max({walk.order.capacity(), walk.stack.capacity(), saved.capacity()});
        return capacity <= always_kept ||
               (capacity <= never_kept && capacity / 4 <= walk.order.size());
    }
    static Scratch& spare() {
        static Scratch scratch;
        return scratch;
    }
    Scratch scratch_;
};

// A pass that gets no memory leaves nothing behind in bundles of operands, for another to find
// there.
void settle(const Array<Node*>& order) {
    for (Node* node : order)
        if (node->op() == Op::bundle) propagate_bundle(*node);
}

void visit_all(const Array<Node*>& order) {
    constexpr std::size_t lookahead = 32;
    try {
        for (std::size_t i = order.size(); i-- > 0;) {
            if (i >= lookahead) prefetch(order[i - lookahead]);
            apply_chain_rule(*order[i]);
        }
    } catch (...) {
        settle(order);
        throw;
    }
}

// A pass that runs code of the user's, in which other passes may run, and fork().
class ClosurePass : public Running<ClosurePass> {
public:
    explicit ClosurePass(const Array<Node*>& order) : order_(order) {
        for (Node* node : order_)
            if (node != order_.back()) earlier_.set_aside(node);  // the root's will be set
        order_.back()->grad = 1;
    }
    bool run(const RunClosure& run_closure) {
        for (std::size_t i = order_.size(); i-- > 0;) {
            Node& node = *order_[i];
            if (!node.has(has_closure))
                apply_chain_rule(node);
            else if (!run_closure(node))
                return false;
        }
        return true;
    }
    void abandon() { earlier_.give_back(); }

private:
    const Array<Node*>& order_;
    std::vector<std::pair<Node*, double>> saved_;
    EarlierGradients earlier_{saved_};
};

}  // namespace

bool backward(Node& root) {
    if (passes_nothing_on(root)) {
        root.grad = 1;
        return true;
    }
    BorrowedScratch scratch;
    EarlierGradients earlier(scratch->saved);
    unsigned flags = 0;
    topological_order(&root, scratch->walk, passes_nothing_on, [&](Node* node) {
        flags |= static_cast<unsigned>(node->flags);
        if (node != &root) earlier.set_aside(node);  // the root's will be set, not added to
    });
    if ((flags & has_closure) != 0) return false;
    root.grad = 1;
    visit_all(scratch->walk.order);
    return true;
}

bool backward_with_closures(const Array<Node*>& order, const RunClosure& run_closure) {
    return ClosurePass(order).run(run_closure);
}

void leave_passes_to_other_threads() {
    ClosurePass::leave_to_other_threads([](ClosurePass& pass) { pass.abandon(); });
}

void propagate(Node& node) { apply_chain_rule(node); }

double partial_by_lhs(const Node& node) {
    const double x = lhs_value(node), y = rhs_value(node), z = node.data;
    return with_formulas(
        node.op(), [&](auto formulas) { return formulas.dx(x, y, z); }, [] { return 0.0; });
}

double partial_by_rhs(const Node& node) {
    const double x = lhs_value(node), y = rhs_value(node), z = node.data;
    return with_formulas(
        node.op(), [&](auto formulas) { return formulas.dy(x, y, z); }, [] { return 0.0; });
}

}  // namespace megagrad
