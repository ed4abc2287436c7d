/*
 * What runs before main on a Cortex-M without an operating system or a C library, and how it talks to the debugger that
 * QEMU plays (semihosting: Arm's "Semihosting for AArch32 and AArch64"). link.ld says where things lie.
 */
#include <stddef.h>
#include <stdint.h>

#include "start.h"

extern uint32_t stack_end[], data_start[], data_end[], data_image[], bss_start[], bss_end[];

/* The operations and the codes that a program ends with. */
enum { WRITE0 = 0x04, EXIT = 0x18, APPLICATION_EXIT = 0x20026, RUN_TIME_ERROR = 0x20023 };

static void ask(uint32_t operation, uintptr_t argument) {
  register uint32_t r0 __asm__("r0") = operation;
  register uintptr_t r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}

void say(const char *text) { ask(WRITE0, (uintptr_t)text); }

static void reset(void) {
  for (uint32_t *to = data_start, *from = data_image; to < data_end;) *to++ = *from++;
  for (uint32_t *to = bss_start; to < bss_end;) *to++ = 0;
#ifdef __ARM_FP
  *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20; /* CPACR: the floating-point unit, on */
  __asm__ volatile("dsb\n\tisb");
#endif
  main();
  ask(EXIT, APPLICATION_EXIT);
}

static void fault(void) { ask(EXIT, RUN_TIME_ERROR); }

/* What the processor finds at address 0. */
__attribute__((section(".vectors"), used)) static const struct {
  uint32_t *stack;
  void (*reset)(void), (*unmasked)(void), (*hard_fault)(void);
} vectors = {stack_end, reset, fault, fault};

/* The compiler calls these wherever it likes. */
void *memcpy(void *to, const void *from, size_t n) {
  for (size_t i = 0; i < n; i++) ((volatile char *)to)[i] = ((const char *)from)[i];
  return to;
}

void *memset(void *to, int value, size_t n) {
  for (size_t i = 0; i < n; i++) ((volatile char *)to)[i] = (char)value;
  return to;
}
