#include "program/record/fusion.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <stdexcept>

namespace megagrad {

namespace {

bool is_sum(Op op) { return op == Op::add || op == Op::sub; }

class Fusion {
public:
    Fusion(const Draft& draft, const std::vector<Ref>& outputs)
        : draft_(draft),
          values_(draft.values()),
          outputs_(outputs),
          roles_(values_.size(), Role{}),
          used_constants_(draft.constants().size(), false) {
        // Untouched, memory costs nothing; growing, it would be copied.
        terms_.reserve(values_.size());
        parts_.reserve(values_.size());
    }

    Program program() {
        find_roles();
        find_dots();
        program_.inputs = draft_.inputs();
        program_.parameters = draft_.parameters();
        program_.contract = draft_.contract();
        program_.counts = draft_.counts();
        number_leaves();
        program_.instructions.reserve(values_.size());
        program_.operands.reserve(2 * values_.size());
        for (std::uint32_t value = 0; value < values_.size(); ++value) write(value);
        for (const Ref output : outputs_) program_.outputs.push_back(number_of(output));
        return std::move(program_);
    }

private:
    // What a sum adds or subtracts: x * y, or x alone (y: no_ref).
    struct Term {
        Ref x, y;
        bool minus;
        bool is_plain() const { return y == no_ref && !minus; }
    };
    struct Dot {
        std::uint32_t value;
        std::size_t first, count;  // of its terms
    };
    // What has to be known of a value, in a byte: operands lie anywhere, and memory is slow.
    struct Role {
        std::uint8_t uses : 2 = 0;      // 2: two or more
        std::uint8_t varying : 1 = 0;   // depends on an input
        std::uint8_t summable : 1 = 0;  // a sum, a product or a negation, that a dot may take in
        std::uint8_t absorbed : 1 = 0;  // part of a dot
    };

    void use(Ref ref) {
        if (ref.is_constant())
            used_constants_[ref.number()] = true;
        else if (roles_[ref.number()].uses < 2)
            ++roles_[ref.number()].uses;
    }
    bool is_varying(Ref ref) const { return !ref.is_constant() && roles_[ref.number()].varying; }

    void find_roles() {
        for (const Ref output : outputs_) use(output);
        for (std::size_t value = values_.size(); value-- > 0;) {
            const auto& [op, x, y] = values_[value];
            if (op == Op::leaf || roles_[value].uses == 0) continue;
            use(x);
            if (y != no_ref) use(y);
        }
        for (std::size_t value = 0; value < values_.size(); ++value) {
            const auto& [op, x, y] = values_[value];
            roles_[value].summable = is_sum(op) || op == Op::neg || op == Op::mul;
            roles_[value].varying = op == Op::leaf
                                        ? x == Draft::input_kind
                                        : is_varying(x) || (y != no_ref && is_varying(y));
        }
    }

    // A sum takes in sums and products that nothing else uses, unless they depend on parameters
    // alone and it does not: those are computed once a call.
    bool is_part(Ref ref, std::uint32_t sum) const {
        if (ref.is_constant()) return false;
        const Role role = roles_[ref.number()];
        return role.summable && role.uses == 1 && role.varying == roles_[sum].varying;
    }
    bool is_part(Ref ref, std::uint32_t sum, Op op) const {
        return is_part(ref, sum) && values_[ref.number()].op == op;
    }

    // What stands on the right of + or -: a product, or else a value as it is.
    void add_term(Ref ref, bool minus, std::uint32_t sum) {
        for (; is_part(ref, sum, Op::neg); minus = !minus) {
            parts_.push_back(ref.number());
            ref = values_[ref.number()].x;
        }
        if (is_part(ref, sum, Op::mul)) {
            parts_.push_back(ref.number());
            terms_.push_back({values_[ref.number()].x, values_[ref.number()].y, minus});
        } else {
            terms_.push_back({ref, no_ref, minus});
        }
    }

    // In the order in which they are added: from the last one, on the right, to what is on the left
    // of all.
    void collect_terms(std::uint32_t sum) {
        const std::size_t first = terms_.size();
        parts_.clear();
        Ref ref(sum);
        do {
            const auto& [op, x, y] = values_[ref.number()];
            parts_.push_back(ref.number());
            add_term(y, op == Op::sub, sum);
            ref = x;
        } while (is_part(ref, sum) && is_sum(values_[ref.number()].op));
        add_term(ref, false, sum);
        std::reverse(terms_.begin() + static_cast<std::ptrdiff_t>(first), terms_.end());
    }

    void find_dots() {
        for (auto value = static_cast<std::uint32_t>(values_.size()); value-- > 0;) {
            const Role role = roles_[value];
            if (!is_sum(values_[value].op) || role.uses == 0 || role.absorbed) continue;
            const std::size_t first = terms_.size();
            collect_terms(value);
            bool has_product = false;
            for (std::size_t i = first; i < terms_.size(); ++i)
                has_product |= terms_[i].y != no_ref;
            if (!has_product && terms_.size() - first < 3) {
                terms_.erase(terms_.begin() + static_cast<std::ptrdiff_t>(first), terms_.end());
                continue;
            }
            for (const std::uint32_t part : parts_) roles_[part].absorbed = true;
            roles_[value].absorbed = false;
            dots_.push_back({value, first, terms_.size() - first});
        }
    }

    // The term that a dot starts from, if it can start from one: the first or the second, as a + b
    // is b + a; best one that is the same for all points.
    std::size_t start_of(const Dot& dot) const {
        const std::size_t first = dot.first, second = first + 1;
        if (!terms_[second].is_plain()) return terms_[first].is_plain() ? first : first + dot.count;
        const bool is_better = !terms_[first].is_plain() || !is_varying(terms_[second].x);
        return is_better ? second : first;
    }

    void number_leaves() {
        numbers_.resize(values_.size());
        for (std::size_t value = 0; value < values_.size(); ++value) {
            const auto& [op, x, y] = values_[value];
            if (op != Op::leaf) continue;
            numbers_[value] = (x == Draft::input_kind ? 0 : program_.inputs) + y.number();
        }
        constant_numbers_.resize(used_constants_.size());
        for (std::size_t i = 0; i < used_constants_.size(); ++i) {
            if (!used_constants_[i]) continue;
            constant_numbers_[i] = program_.first_result();
            program_.constants.push_back(draft_.constants()[i]);
        }
        one_ = program_.first_result();
        nothing_ = one_ + 1;
        if (dots_.empty()) return;
        program_.constants.push_back(1.0);
        program_.constants.push_back(-0.0);  // x + -0.0 is x, also if that is -0.0
    }

    Id number_of(Ref ref) const {
        return ref.is_constant() ? constant_numbers_[ref.number()] : numbers_[ref.number()];
    }

    void write(std::uint32_t value) {
        if (values_[value].op == Op::leaf) return;
        if (roles_[value].uses == 0) {
            ++program_.counts.dropped;
        } else if (roles_[value].absorbed) {
            ++program_.counts.fused;
        } else {
            numbers_[value] = program_.values();
            if (!dots_.empty() && dots_.back().value == value) {
                write(dots_.back());
                dots_.pop_back();
            } else {
                write(values_[value]);
            }
        }
    }

    void write(const Operation& operation) {
        const auto& [op, x, y] = operation;
        const bool binary = y != no_ref;
        program_.instructions.push_back({op, binary ? 2u : 1u, program_.operands.size()});
        program_.operands.push_back(number_of(x));
        if (binary) program_.operands.push_back(number_of(y));
    }

    void write(const Dot& dot) {
        const std::size_t start = start_of(dot), first = program_.operands.size();
        const bool has_start = start < dot.first + dot.count;
        program_.operands.push_back(has_start ? number_of(terms_[start].x) : nothing_);
        for (std::size_t i = dot.first; i < dot.first + dot.count; ++i) {
            if (i == start) continue;
            const auto& [x, y, minus] = terms_[i];
            const bool single = y == no_ref;
            program_.operands.push_back({single ? one_ : number_of(x), minus});
            program_.operands.push_back(number_of(single ? x : y));
        }
        const std::size_t count = program_.operands.size() - first;
        if (count > std::numeric_limits<std::uint32_t>::max())
            throw std::length_error("a sum is too long to be recorded");
        program_.instructions.push_back({Op::dot, static_cast<std::uint32_t>(count), first});
    }

    const Draft& draft_;
    const Array<Operation>& values_;
    const std::vector<Ref>& outputs_;
    Program program_;
    Array<Role> roles_;
    std::vector<bool> used_constants_;
    Array<Term> terms_;
    Array<Dot> dots_;             // the last one first
    Array<std::uint32_t> parts_;  // values that the sum being looked at would absorb
    Array<Id> numbers_;           // in the program, of each value
    Array<Id> constant_numbers_;
    Id one_ = 0, nothing_ = 0;
};

}  // namespace

Program fused(const Draft& draft, const std::vector<Ref>& outputs) {
    return Fusion(draft, outputs).program();
}

}  // namespace megagrad
