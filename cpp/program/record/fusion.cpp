#include "program/record/fusion.hpp"

#include <algorithm>
#include <limits>

namespace megagrad {

namespace {

bool is_sum(Op op) { return op == Op::add || op == Op::sub; }

}  // namespace

Fusion::Fusion(const Draft& draft, const std::vector<Id>& outputs)
    : draft_(draft),
      entries_(draft.entries()),
      outputs_(outputs),
      roles_(entries_.size(), Role{}),
      used_constants_(draft.constants().size(), false) {
    // Untouched, memory costs nothing; growing, it would be copied.
    terms_.reserve(entries_.size());
    parts_.reserve(entries_.size());
    find_roles();
    find_dots();
}

void Fusion::use(Id id) {
    if (Draft::is_constant(id))
        used_constants_[Draft::index_of_constant(id)] = true;
    else if (roles_[id].uses < 2)
        ++roles_[id].uses;
}

void Fusion::find_roles() {
    for (const Id output : outputs_) use(output);
    for (std::size_t id = entries_.size(); id-- > 0;) {
        const auto& [op, x, y] = entries_[id];
        if (op == Op::leaf || roles_[id].uses == 0) continue;
        use(x);
        if (y != Draft::no_operand) use(y);
    }
    for (std::size_t id = 0; id < entries_.size(); ++id) {
        const auto& [op, x, y] = entries_[id];
        roles_[id].summable = is_sum(op) || op == Op::neg || op == Op::mul;
        roles_[id].varying = op == Op::leaf
                                 ? x == static_cast<Id>(Draft::Leaf::input)
                                 : is_varying(x) || (y != Draft::no_operand && is_varying(y));
    }
}

// A sum takes in sums and products that nothing else uses, unless they depend on parameters alone
// and it does not: those are computed once a call.
bool Fusion::is_part(Id id, Id sum) const {
    if (Draft::is_constant(id)) return false;
    const Role role = roles_[id];
    return role.summable && role.uses == 1 && role.varying == roles_[sum].varying;
}

// What stands on the right of + or -: a product, or else a value as it is.
void Fusion::add_term(Id id, bool minus, Id sum) {
    for (; is_part(id, sum) && entries_[id].op == Op::neg; minus = !minus) {
        parts_.push_back(id);
        id = entries_[id].x;
    }
    if (is_part(id, sum) && entries_[id].op == Op::mul) {
        parts_.push_back(id);
        terms_.push_back({entries_[id].x, entries_[id].y, minus});
    } else {
        terms_.push_back({id, Draft::no_operand, minus});
    }
}

// In the order in which they are added: from the last one, on the right, to what is on the left of
// all.
void Fusion::collect_terms(Id sum) {
    const std::size_t first = terms_.size();
    parts_.clear();
    Id id = sum;
    do {
        const auto& [op, x, y] = entries_[id];
        parts_.push_back(id);
        add_term(y, op == Op::sub, sum);
        id = x;
    } while (is_part(id, sum) && is_sum(entries_[id].op));
    add_term(id, false, sum);
    std::reverse(terms_.begin() + static_cast<std::ptrdiff_t>(first), terms_.end());
}

void Fusion::find_dots() {
    for (std::size_t id = entries_.size(); id-- > 0;) {
        if (!is_sum(entries_[id].op) || roles_[id].uses == 0 || roles_[id].absorbed) continue;
        const std::size_t first = terms_.size();
        collect_terms(static_cast<Id>(id));
        bool has_product = false;
        for (std::size_t i = first; i < terms_.size(); ++i)
            has_product |= terms_[i].y != Draft::no_operand;
        if (!has_product && terms_.size() - first < 3) {
            terms_.resize(first);
            continue;
        }
        for (const Id part : parts_) roles_[part].absorbed = true;
        roles_[id].absorbed = false;
        dots_.push_back({static_cast<Id>(id), first, terms_.size() - first});
    }
}

// The term that a dot starts from, if it can start from one: the first or the second, as a + b is
// b + a; best one that is the same for all points.
std::size_t Fusion::start_of(const Dot& dot) const {
    const std::size_t first = dot.first, second = first + 1;
    if (!is_plain(terms_[second])) return is_plain(terms_[first]) ? first : first + dot.count;
    const bool is_better = !is_plain(terms_[first]) || !is_varying(terms_[second].x);
    return is_better ? second : first;
}

void Fusion::number_leaves(Program& program) {
    numbers_.resize(entries_.size());
    for (std::size_t id = 0; id < entries_.size(); ++id) {
        const auto& [op, x, y] = entries_[id];
        if (op != Op::leaf) continue;
        const bool is_input = x == static_cast<Id>(Draft::Leaf::input);
        numbers_[id] = is_input ? y : program.inputs + y;
    }
    constant_numbers_.resize(used_constants_.size());
    for (std::size_t i = 0; i < used_constants_.size(); ++i) {
        if (!used_constants_[i]) continue;
        constant_numbers_[i] = program.first_result();
        program.constants.push_back(draft_.constants()[i]);
    }
    one_ = program.first_result();
    nothing_ = one_ + 1;
    if (dots_.empty()) return;
    program.constants.push_back(1.0);
    program.constants.push_back(-0.0);  // x + -0.0 is x, also if that is -0.0
}

Id Fusion::number_of(Id id) const {
    return Draft::is_constant(id) ? constant_numbers_[Draft::index_of_constant(id)] : numbers_[id];
}

void Fusion::append(Program& program, const Draft::Entry& entry) const {
    const bool binary = entry.y != Draft::no_operand;
    program.instructions.push_back({entry.op, binary ? 2u : 1u, program.operands.size()});
    program.operands.push_back(number_of(entry.x));
    if (binary) program.operands.push_back(number_of(entry.y));
}

void Fusion::append(Program& program, const Dot& dot) const {
    const std::size_t start = start_of(dot), first = program.operands.size();
    const bool has_start = start < dot.first + dot.count;
    program.operands.push_back(has_start ? number_of(terms_[start].x) : nothing_);
    for (std::size_t i = dot.first; i < dot.first + dot.count; ++i) {
        if (i == start) continue;
        const auto& [x, y, minus] = terms_[i];
        const Id sign = minus ? subtracted : 0;
        const bool single = y == Draft::no_operand;
        program.operands.push_back((single ? one_ : number_of(x)) | sign);
        program.operands.push_back(number_of(single ? x : y));
    }
    const std::size_t count = program.operands.size() - first;
    if (count > std::numeric_limits<std::uint32_t>::max())
        throw std::length_error("a sum is too long to be recorded");
    program.instructions.push_back({Op::dot, static_cast<std::uint32_t>(count), first});
}

Program Fusion::program() {
    Program program;
    program.inputs = draft_.inputs();
    program.parameters = draft_.parameters();
    program.contract = draft_.contract();
    program.counts = draft_.counts();
    number_leaves(program);
    program.instructions.reserve(entries_.size());
    program.operands.reserve(2 * entries_.size());
    for (std::size_t id = 0; id < entries_.size(); ++id) {
        if (entries_[id].op == Op::leaf) continue;
        if (roles_[id].uses == 0) {
            ++program.counts.dropped;
        } else if (roles_[id].absorbed) {
            ++program.counts.fused;
        } else {
            numbers_[id] = program.values();
            if (!dots_.empty() && dots_.back().id == id) {
                append(program, dots_.back());
                dots_.pop_back();
            } else {
                append(program, entries_[id]);
            }
        }
    }
    for (const Id output : outputs_) program.outputs.push_back(number_of(output));
    return program;
}

}  // namespace megagrad
