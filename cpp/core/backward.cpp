#include "backward.hpp"

#include <algorithm>
#include <utility>

#include "bulk.hpp"
#include "bulk_places.hpp"
#include "compiler.hpp"
#include "order.hpp"
#include "running.hpp"

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
        case Op::operands:
            return propagate_row(node);
        case Op::dot:
            return propagate_dot(node);
        case Op::sum:
            return propagate_sum(node);
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

template <class Items>
void reserve_more(Items& items, std::size_t count) {
    if (items.capacity() - items.size() < count)
        items.reserve(std::max(items.size() + count, 2 * items.capacity()));
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
    void make_room(std::size_t count) {
        reserve_more(saved_, count);
        places_.note_until(saved_.size(), [&](std::size_t i) { return saved_[i].first; });
    }
    // What nodes that stand for `node` are to have, too; there is room for it.
    void share(const Node& node, double slope, const std::vector<Node*>& parts) noexcept {
        const std::size_t place = places_.of(node);
        if (place == BulkPlaces::nowhere) return;
        const double grad = megagrad::share(slope, saved_[place].second);
        for (Node* part : parts) saved_.emplace_back(part, grad);
    }

private:
    std::vector<std::pair<Node*, double>>& saved_;
    BulkPlaces places_;
};

struct Scratch {
    Traversal walk;
    std::vector<std::pair<Node*, double>> saved;
};

// One call's scratch memory is the next call's: asking the system for fresh pages costs as much as
// the pass itself on a graph of a million nodes (43 ns a node against 20). What a far smaller graph
// does not need, and what a huge one took, goes back. A closure may call backward again while the
// outer call is running: it then gets fresh memory.
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

// One pass: first nodes are put in order, then they are visited. All passes that are running know
// each other, as code of the user's that one of them runs may begin another.
class Pass : public Running<Pass> {
public:
    Pass(Array<Node*>& order, EarlierGradients& earlier) : order_(order), earlier_(earlier) {}
    ~Pass() {
        if (is_visiting_) settle();
    }
    // What else happens where a pass is stopped, for one that will never be.
    void abandon() {
        if (is_visiting_) settle();
        earlier_.give_back();
    }

    bool visit_all(Environment& environment) {
        constexpr std::size_t lookahead = 32;
        is_visiting_ = true;
        for (std::size_t i = order_.size(); i-- > 0;) {
            if (i >= lookahead) prefetch(order_[i - lookahead]);
            Node& node = *order_[i];
            if (node.has(has_closure)) [[unlikely]] {
                left_ = i;
                if (!environment.run_closure(node)) return false;
                i = left_;
            } else {
                apply_chain_rule(node);
            }
            if (i % poll_interval == poll_interval - 1) {
                left_ = i;
                if (!environment.poll()) return false;
                i = left_;
            }
        }
        is_visiting_ = false;
        return true;
    }

    // While code of the user's runs: whether the node is still to be visited.
    bool has_before_it(const Node& node) {
        note_places();
        return place_of(node) != nowhere;
    }

    // So that taking nodes in cannot fail.
    void make_room(const Node& node, const std::vector<Node*>& parts) {
        earlier_.make_room(parts.size());
        if (left_ == 0) return;
        reserve_more(order_, parts.size());
        note_places();
        const std::size_t place = place_of(node);
        if (place == nowhere) return;
        for (const Node* part : parts) places_.note(*part, place);
    }
    // `node` was unfolded. If it is still to be visited, its gradient will go through its parts;
    // until then they have none of this pass.
    void take_in(const Node& node, double slope, const std::vector<Node*>& parts) noexcept {
        earlier_.share(node, slope, parts);
        const std::size_t place = place_of(node);
        if (place == nowhere) return;
        for (Node* part : parts) part->grad = 0;
        order_.resize(left_);  // those after it have been visited
        order_.insert(order_.begin() + static_cast<std::ptrdiff_t>(place), parts.begin(),
                      parts.end());
        left_ = order_.size();
    }

private:
    static constexpr std::size_t nowhere = BulkPlaces::nowhere;

    void note_places() {
        if (!has_places_ && left_ > 0)
            places_.note_until(left_, [&](std::size_t i) { return order_[i]; });
        has_places_ |= left_ > 0;
    }

    // Among what is to be visited. What was taken in since places were noted may have moved it up.
    std::size_t place_of(const Node& node) const {
        for (std::size_t i = places_.of(node); i < left_; ++i)
            if (order_[i] == &node) return i;
        return nowhere;
    }

    // A pass that is stopped leaves nothing behind in rows of operands, for another to find there.
    void settle() {
        for (Node* node : order_)
            if (node->op() == Op::operands) propagate_row(*node);
    }

    Array<Node*>& order_;
    EarlierGradients& earlier_;
    std::size_t left_ = 0;  // while code of the user's runs: how many nodes are still to be visited
    bool is_visiting_ = false;
    bool has_places_ = false;
    BulkPlaces places_;  // of those that were to be visited when someone asked first
};

}  // namespace

bool backward(Node& root, Environment& environment) {
    if (passes_nothing_on(root)) {
        root.grad = 1;
        return true;
    }
    BorrowedScratch scratch;
    EarlierGradients earlier(scratch->saved);
    Pass pass(scratch->walk.order, earlier);
    const bool ordered = topological_order(
        &root, scratch->walk, [](const Node& node) { return passes_nothing_on(node); },
        [&](Node* node) {
            if (node != &root) earlier.set_aside(node);  // the root's will be set, not added to
        },
        [&] { return environment.poll(); });
    if (!ordered) return false;
    root.grad = 1;
    return pass.visit_all(environment);
}

bool is_backward_running() { return Pass::innermost() != nullptr; }

void leave_passes_to_other_threads() {
    Pass::leave_to_other_threads([](Pass& pass) { pass.abandon(); });
}

bool is_to_be_visited(const Node& node) {
    for (Pass* pass = Pass::innermost(); pass != nullptr; pass = pass->outer())
        if (pass->has_before_it(node)) return true;
    return false;
}

void note_unfolded(const Node& node, double slope, const std::vector<Node*>& parts) {
    for (Pass* pass = Pass::innermost(); pass != nullptr; pass = pass->outer())
        pass->make_room(node, parts);
    for (Pass* pass = Pass::innermost(); pass != nullptr; pass = pass->outer())
        pass->take_in(node, slope, parts);
    ++traversals;  // what is being put in order has to begin anew
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

double evaluate(Op op, double x, double y) {
    return with_formulas(
        op, [&](auto formulas) { return formulas.forward(x, y); }, [&] { return x; });
}

}  // namespace megagrad
