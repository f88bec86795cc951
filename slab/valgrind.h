/*
 * valgrind.h - what the library asks of valgrind and tells it                            Floor 1
 *
 * Without its headers: the numbers of the requests are fixed for ever.
 */
#ifndef SLAB_VALGRIND_H
#define SLAB_VALGRIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A client request: a sequence of instructions that does nothing elsewhere. */
static inline uint64_t slab_valgrind_ask(uint64_t what, uintptr_t first, uint64_t second)
{
	volatile uint64_t request[6] = { what, first, second, 0, 0, 0 };
	uint64_t answer = 0;

#if defined(__x86_64__)
	__asm__ volatile("rolq $3, %%rdi; rolq $13, %%rdi; rolq $61, %%rdi; rolq $51, %%rdi\n\t"
	                 "xchgq %%rbx, %%rbx"
	                 : "=d"(answer)
	                 : "a"(&request[0]), "0"(answer)
	                 : "cc", "memory");
#elif defined(__aarch64__)
	__asm__ volatile("mov x3, %1; mov x4, %2\n\t"
	                 "ror x12, x12, #3; ror x12, x12, #13\n\t"
	                 "ror x12, x12, #51; ror x12, x12, #61\n\t"
	                 "orr x10, x10, x10\n\t"
	                 "mov %0, x3"
	                 : "=r"(answer)
	                 : "r"(answer), "r"(&request[0])
	                 : "cc", "memory", "x3", "x4");
#endif
	(void)request;
	return answer;
}

static inline bool slab_valgrind_runs(void)
{
	return slab_valgrind_ask(0x1001, 0, 0) != 0; /* RUNNING_ON_VALGRIND */
}

/* Whether its tool is drd. */
static inline bool slab_valgrind_is_drd(void)
{
	return slab_valgrind_ask(0x44520000, 0, 0) != 0; /* its number of this thread */
}

/*
 * Memory of the library's own, which threads read while others change it, word by word, by relaxed
 * atomics. valgrind's race checkers (helgrind, drd) take those for plain accesses and are asked not
 * to look there; the orders that its locks make stay known to them.
 */
static inline void slab_valgrind_ignore(const volatile void *p, size_t bytes)
{
	slab_valgrind_ask(0x48470127, (uintptr_t)p, bytes); /* VALGRIND_HG_DISABLE_CHECKING */
	slab_valgrind_ask(0x44520002, (uintptr_t)p, bytes); /* DRD_IGNORE_VAR of a range */
}

#endif
