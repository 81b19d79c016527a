#include "program/record/record.hpp"

#include <algorithm>
#include <bit>

#include "graph/bundle.hpp"
#include "graph/walk.hpp"
#include "program/record/draft.hpp"
#include "program/record/fusion.hpp"

namespace megagrad {

namespace {

class Recorder {
public:
    Recorder(const std::vector<Node*>& inputs, const std::vector<Node*>* parameters, bool contract)
        : draft_(contract), given_(parameters != nullptr) {
        for (Node* node : inputs) note(*node, draft_.input());
        if (!given_) return;
        for (Node* node : *parameters) note(*node, draft_.parameter());
        parameters_ = *parameters;
    }

    // Records what the outputs depend on, operands before their users, as one reads: so are
    // parameters numbered.
    void record(std::vector<Node*> outputs) {
        outputs.push_back(nullptr);  // that a sum over them would start from
        Bundle bundle;
        bundle.count = outputs.size() - 1;
        bundle.nodes = outputs.data();
        Node root;
        root.set_op(Op::bundle);
        root.lhs.bundle = &bundle;
        root.set(extended);
        depth_first<Visit::first_first>(
            &root, waiting_, [this](const Node& node) { return is_seen(node); },
            [](const Node&) { return false; },
            [this](Node* node) {
                node->mark(first_mark_);
                prefetch_later(*node);
            },
            [this](Node* node) {
                if (node->op() != Op::bundle) note(*node, recorded(*node));
            });
    }

    Recording recording(const std::vector<Node*>& outputs) {
        std::vector<Ref> results;
        for (const Node* output : outputs) results.push_back(ref_of(*output));
        return {fused(draft_, results), std::move(parameters_)};
    }

private:
    // A node's mark says which value it is, counted from the first mark; that itself is for nodes
    // which the walk has entered and not left. Rotation makes the bits of constants small. No other
    // traversal is to use these marks, however the recording ends.
    void note(Node& node, Ref ref) {
        const std::uint64_t mark = first_mark_ + 1 + std::rotl(ref.bits(), 1);
        traversals = std::max(traversals, mark);
        node.mark(mark);
    }
    std::uint64_t number_of(const Node& node) const {
        return (node.epoch - first_mark_) & epoch_mask;
    }
    bool is_seen(const Node& node) const { return number_of(node) <= traversals - first_mark_; }
    Ref ref_of(const Node& node) const {
        const std::uint64_t number = number_of(node) - 1;
        if (number >= traversals - first_mark_) throw NoOrder{};  // entered and not left, or new
        return Ref(std::rotr(static_cast<std::uint32_t>(number), 1));
    }

    // What is near to a node in memory is mostly near in the graph, and what was made later is
    // recorded later. The walk comes by all of it, if in no order that the processor could guess:
    // waiting for memory would take half of the time.
    static void prefetch_later(const Node& node) {
        constexpr std::uintptr_t distance = 1 << 15, line = 64;
        const std::uintptr_t later = reinterpret_cast<std::uintptr_t>(&node) + distance;
        prefetch(reinterpret_cast<const void*>(later));
        prefetch(reinterpret_cast<const void*>(later + line));
    }

    Ref recorded(Node& node) {
        const Op op = node.op();
        if (op == Op::custom || node.has(has_closure)) throw NotRecordable{&node};
        if (op == Op::leaf) return leaf(node);
        if (is_bulk(op)) return bulk(node);
        const Ref x = operand(node.has(lhs_is_node), node.lhs);
        if (info(op).kind == Kind::unary) return draft_.apply(op, x);
        return draft_.apply(op, x, operand(node.has(rhs_is_node), rhs_of(node)));
    }

    Ref leaf(Node& node) {
        if (given_ || node.has(plain_number)) return draft_.constant(node.data);
        parameters_.push_back(&node);
        return draft_.parameter();
    }

    Ref operand(bool is_node, const Operand& operand) {
        return is_node ? ref_of(*operand.node) : draft_.constant(operand.number);
    }

    Ref term(const Bundle& bundle, std::size_t i) {
        return bundle.nodes[i] != nullptr ? ref_of(*bundle.nodes[i])
                                          : draft_.constant(bundle.values[i]);
    }

    // The loop that it stands for.
    Ref bulk(const Node& node) {
        const Bundle& terms = bundle_of(node.lhs);
        Ref total = term(terms, terms.count);
        for (std::size_t i = 0; i < terms.count; ++i) {
            Ref next = term(terms, i);
            if (node.has(rhs_is_node))
                next = draft_.apply(Op::mul, next, term(bundle_of(rhs_of(node)), i));
            total = draft_.apply(Op::add, total, next);
        }
        if (!is_on_dot(node.op())) return total;
        const OpInfo& entry = info(without_dot(node.op()));
        if (entry.kind == Kind::unary) return draft_.apply(without_dot(node.op()), total);
        return draft_.apply(without_dot(node.op()), total,
                            draft_.constant(entry.default_parameter));
    }

    Draft draft_;
    std::vector<Node*> parameters_;
    bool given_;  // the parameters were
    Array<Waiting> waiting_;
    std::uint64_t first_mark_ = ++traversals;
};

}  // namespace

Recording record(const std::vector<Node*>& inputs, const std::vector<Node*>& outputs,
                 const std::vector<Node*>* parameters, bool contract) {
    Recorder recorder(inputs, parameters, contract);
    recorder.record(outputs);
    return recorder.recording(outputs);
}

}  // namespace megagrad
