#include "record.hpp"

#include "bulk.hpp"
#include "draft.hpp"
#include "order.hpp"

namespace megagrad {

namespace {

class Recorder {
public:
    Recorder(const std::vector<Node*>& inputs, const std::vector<Node*>* parameters)
        : inputs_(inputs), given_(parameters) {}

    Recording record(const std::vector<Node*>& outputs, Environment& environment) {
        if (!put_in_order(outputs, environment)) return {{}, {}, false};
        mark(0);
        Draft draft(expected_values());
        number_given(draft);
        for (std::size_t i = 0; i < walk_.order.size(); ++i) {
            if (i % poll_interval == poll_interval - 1) {
                if (!environment.poll()) return {{}, {}, false};
                if (traversals != last_mark_) mark(i);  // the poll ran code that walked the graph
            }
            if (i + lookahead < walk_.order.size()) prefetch(walk_.order[i + lookahead]);
            Node& node = *walk_.order[i];
            if (place_of(node) < ids_.size()) continue;  // a given leaf
            ids_[i] = recorded(draft, node);
            node.mark(first_mark_ + i);
        }
        std::vector<Id> results;
        for (const Node* output : outputs) results.push_back(id_of(*output));
        return {draft.finish(results), std::move(parameters_), true};
    }

private:
    static constexpr std::size_t lookahead = 32;

    // Operands before their users, as one reads: so are parameters numbered.
    bool put_in_order(std::vector<Node*> outputs, Environment& environment) {
        outputs.push_back(nullptr);  // that a sum over them would start from
        Operands row;
        row.count = outputs.size() - 1;
        row.nodes = outputs.data();
        Node root;
        root.set_op(Op::operands);
        root.lhs.operands = &row;
        root.set(extended);
        const bool complete = topological_order<Visit::first_first>(
            &root, walk_, [](const Node&) { return false; }, [](Node*) {},
            [&] { return environment.poll(); });
        if (complete) walk_.order.pop_back();  // the root
        return complete;
    }

    // The mark of a node that is recorded says where in the order it is; that of a given leaf,
    // which one, after those. So many are recorded already.
    void mark(std::size_t count) {
        first_mark_ = traversals + 1;
        for (std::size_t i = 0; i < count; ++i) walk_.order[i]->mark(first_mark_ + i);
        std::size_t place = walk_.order.size();
        for (Node* node : inputs_) node->mark(first_mark_ + place++);
        if (given_ != nullptr)
            for (Node* node : *given_) node->mark(first_mark_ + place++);
        traversals = last_mark_ = first_mark_ + place;
        ids_.resize(place);
    }

    void number_given(Draft& draft) {
        std::size_t place = walk_.order.size();
        for (std::size_t i = 0; i < inputs_.size(); ++i) ids_[place++] = draft.input();
        while (place < ids_.size()) ids_[place++] = draft.parameter();
        if (given_ != nullptr) parameters_ = *given_;
    }

    std::size_t expected_values() const {
        std::size_t count = ids_.size();
        for (const Node* node : walk_.order)
            if (is_bulk(node->op())) count += 2 * row_of(node->lhs).count;
        return count;
    }

    std::size_t place_of(const Node& node) const {
        return static_cast<std::size_t>((node.epoch - first_mark_) & epoch_mask);
    }
    Id id_of(const Node& node) const { return ids_[place_of(node)]; }

    Id recorded(Draft& draft, Node& node) {
        const Op op = node.op();
        if (op == Op::operands) return Draft::no_operand;
        if (op == Op::custom || node.has(has_closure)) throw NotRecordable{&node};
        if (op == Op::leaf) return leaf(draft, node);
        if (is_bulk(op)) return bulk(draft, node);
        const Id x = operand(draft, node.has(lhs_is_node), node.lhs);
        if (info(op).kind == Kind::unary) return draft.apply(op, x);
        return draft.apply(op, x, operand(draft, node.has(rhs_is_node), rhs_of(node)));
    }

    Id leaf(Draft& draft, Node& node) {
        if (given_ != nullptr) return draft.constant(node.data);
        parameters_.push_back(&node);
        return draft.parameter();
    }

    Id operand(Draft& draft, bool is_node, const Operand& operand) const {
        return is_node ? id_of(*operand.node) : draft.constant(operand.number);
    }

    Id term(Draft& draft, const Operands& row, std::size_t i) const {
        return row.nodes[i] != nullptr ? id_of(*row.nodes[i]) : draft.constant(row.values[i]);
    }

    // The loop that it stands for.
    Id bulk(Draft& draft, const Node& node) const {
        const Operands& terms = row_of(node.lhs);
        Id total = term(draft, terms, terms.count);
        for (std::size_t i = 0; i < terms.count; ++i) {
            Id next = term(draft, terms, i);
            if (node.op() != Op::sum)
                next = draft.apply(Op::mul, next, term(draft, row_of(rhs_of(node)), i));
            total = draft.apply(Op::add, total, next);
        }
        if (!is_on_dot(node.op())) return total;
        const OpInfo& row = info(without_dot(node.op()));
        if (row.kind == Kind::unary) return draft.apply(without_dot(node.op()), total);
        return draft.apply(without_dot(node.op()), total, draft.constant(row.default_parameter));
    }

    const std::vector<Node*>& inputs_;
    const std::vector<Node*>* given_;
    std::vector<Node*> parameters_;
    Traversal walk_;
    Array<Id> ids_;  // by place
    std::uint64_t first_mark_ = 0, last_mark_ = 0;
};

}  // namespace

Recording record(const std::vector<Node*>& inputs, const std::vector<Node*>& outputs,
                 const std::vector<Node*>* parameters, Environment& environment) {
    return Recorder(inputs, parameters).record(outputs, environment);
}

}  // namespace megagrad
