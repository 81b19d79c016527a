#include "program/kernels/instruction_sets.hpp"

#include <atomic>

#include "program/kernels/kernels.hpp"
#ifdef MEGAGRAD_X86_KERNELS
#include "platform/processor.hpp"
#endif

namespace megagrad {

namespace baseline {
extern const InstructionSet instruction_set;
}
namespace eager {
extern const InstructionSet instruction_set;
}
#ifdef MEGAGRAD_X86_KERNELS
namespace avx2 {
extern const InstructionSet instruction_set;
}
namespace avx512 {
extern const InstructionSet instruction_set;
}
#endif

namespace {

std::vector<const InstructionSet*> usable() {
    std::vector<const InstructionSet*> sets;
#ifdef MEGAGRAD_X86_KERNELS
    const Processor processor = this_processor();
    if (processor.has_avx512) sets.push_back(&avx512::instruction_set);
    if (processor.has_avx2) sets.push_back(&avx2::instruction_set);
#endif
    sets.push_back(&baseline::instruction_set);
    return sets;
}

// Chosen before there are threads: a fork() while one makes a choice would leave the child to wait.
std::atomic<const InstructionSet*> in_use{usable().front()};

}  // namespace

const InstructionSet& instruction_set() { return *in_use.load(std::memory_order_relaxed); }

const InstructionSet& eager_instruction_set() { return eager::instruction_set; }

std::vector<std::string> instruction_sets() {
    std::vector<std::string> names;
    for (const InstructionSet* set : usable()) names.emplace_back(set->name);
    return names;
}

bool use_instruction_set(const std::string& name) {
    for (const InstructionSet* set : usable()) {
        if (name != set->name) continue;
        in_use = set;
        return true;
    }
    return false;
}

}  // namespace megagrad
