// What runs in functions that have not returned yet, on any thread.
#pragma once

#include <thread>
#include <utility>

namespace megagrad {

// A base of classes whose objects live on a thread's stack, and know each other: the one that was
// made last, and from there outwards.
template <class Derived>
class Running {
public:
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    static Derived* innermost() { return innermost_; }
    Derived* outer() const { return outer_; }

    // For a process that fork() made, which has but the thread that called it: `abandon(running)`
    // for each of those that lived on another one, and they are no more.
    template <class Abandon>
    static void leave_to_other_threads(Abandon abandon) {
        for (Derived** link = &innermost_; *link != nullptr;) {
            Derived* running = *link;
            if (running->thread_ == std::this_thread::get_id()) {
                link = &running->outer_;
            } else {
                *link = running->outer_;
                abandon(*running);
            }
        }
    }

protected:
    Running() : outer_(std::exchange(innermost_, static_cast<Derived*>(this))) {}
    ~Running() {
        // Another thread's may have begun later and end later.
        for (Derived** link = &innermost_; *link != nullptr; link = &(*link)->outer_)
            if (*link == this) {
                *link = outer_;
                break;
            }
    }

private:
    static inline Derived* innermost_ = nullptr;
    Derived* outer_;
    const std::thread::id thread_ = std::this_thread::get_id();
};

}  // namespace megagrad
