#include "tests/failing_allocations.hpp"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <new>

namespace {

constexpr long never = std::numeric_limits<long>::max();
std::atomic<long> allocations{0}, first_to_fail{never}, last_to_fail{never};

// Also counts it.
bool is_to_fail() {
    if (first_to_fail == never) return false;
    const long number = allocations++;
    return first_to_fail <= number && number <= last_to_fail;
}

void* allocated(std::size_t size) {
    void* memory = is_to_fail() ? nullptr : std::malloc(size == 0 ? 1 : size);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

void* allocated(std::size_t size, std::align_val_t alignment) {
    const auto multiple = static_cast<std::size_t>(alignment);
    const std::size_t rounded = (size + multiple - 1) / multiple * multiple;
#if defined(_WIN32)
    void* memory = is_to_fail() ? nullptr : _aligned_malloc(rounded, multiple);
#else
    void* memory = is_to_fail() ? nullptr : std::aligned_alloc(multiple, rounded);
#endif
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

void free_aligned(void* memory) {
#if defined(_WIN32)
    _aligned_free(memory);
#else
    std::free(memory);
#endif
}

}  // namespace

void* operator new(std::size_t size) { return allocated(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
    return allocated(size, alignment);
}
// Those of arrays call the ones above, except where a sanitizer brings its own.
void* operator new[](std::size_t size) { return allocated(size); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { free_aligned(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { free_aligned(memory); }

namespace megagrad::test {

FailingAllocations::FailingAllocations(long number, After after) {
    allocations = 0;
    last_to_fail = after == After::fail ? never - 1 : number;
    first_to_fail = number;
}
FailingAllocations::~FailingAllocations() { first_to_fail = never; }
bool FailingAllocations::has_failed() const { return allocations > first_to_fail; }

}  // namespace megagrad::test
