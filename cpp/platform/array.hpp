// Arrays for what is as long as a graph.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace megagrad {

// Elements have no value until one is written. Large arrays lie in pages of 2 MiB where the system
// has them: with pages of 4 KiB, having them given takes half the time of recording a large graph.
template <class T>
struct ArrayMemory : std::allocator<T> {
    static constexpr std::size_t page = std::size_t{2} << 20;
    static constexpr std::align_val_t alignment{page};

    template <class U>
    struct rebind {
        using other = ArrayMemory<U>;
    };

    T* allocate(std::size_t count) {
        if (!is_large(count)) return std::allocator<T>::allocate(count);
        if (count > static_cast<std::size_t>(-1) / sizeof(T)) throw std::bad_array_new_length();
        void* memory = ::operator new(count * sizeof(T), alignment);
#if defined(__linux__)
        madvise(memory, count * sizeof(T) / page * page, MADV_HUGEPAGE);
#endif
        return static_cast<T*>(memory);
    }
    void deallocate(T* memory, std::size_t count) {
        if (is_large(count))
            ::operator delete(memory, alignment);
        else
            std::allocator<T>::deallocate(memory, count);
    }

    template <class U>
    void construct(U*) noexcept {}
    template <class U, class... Values>
    void construct(U* place, Values&&... values) {
        ::new (place) U{std::forward<Values>(values)...};
    }

private:
    static bool is_large(std::size_t count) { return count >= 2 * page / sizeof(T); }
};

template <class T>
using Array = std::vector<T, ArrayMemory<T>>;

}  // namespace megagrad
