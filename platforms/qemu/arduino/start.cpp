// From reset to setup() and loop(), and what the C library asks of a system.
#include <errno.h>
#include <sys/stat.h>

#include "Arduino.h"

extern "C" {

extern uint32_t _sidata, _sdata, _edata, _sbss, _ebss, _estack, _end;
uint32_t SystemCoreClock = F_CPU;

void __libc_init_array(void);
void danas_timer_start(void);
void danas_timer_wrapped(void);
int main(void);

void _init(void) {}
void _fini(void) {}

void Reset_Handler(void) {
  *reinterpret_cast<volatile uint32_t*>(0xE000ED88) |= 0xfu << 20;  // SCB CPACR: the FPU
  __asm volatile("dsb\nisb");
  const uint32_t* from = &_sidata;
  for (uint32_t* to = &_sdata; to < &_edata;) *to++ = *from++;
  for (uint32_t* to = &_sbss; to < &_ebss;) *to++ = 0;
  danas_timer_start();
  __libc_init_array();
  main();
  for (;;) {
  }
}

static void halt(void) {
  for (;;) {
  }
}

// A sketch may have handlers of its own.
void __attribute__((weak, alias("Halt_Handler"))) NMI_Handler(void);
void __attribute__((weak, alias("Halt_Handler"))) HardFault_Handler(void);
void __attribute__((weak, alias("Halt_Handler"))) MemManage_Handler(void);
void __attribute__((weak, alias("Halt_Handler"))) BusFault_Handler(void);
void __attribute__((weak, alias("Halt_Handler"))) UsageFault_Handler(void);
void __attribute__((weak, alias("Halt_Handler"))) SVC_Handler(void);
void __attribute__((weak, alias("Halt_Handler"))) PendSV_Handler(void);
void __attribute__((weak, alias("Halt_Handler"))) SysTick_Handler(void);
void Halt_Handler(void) { halt(); }

typedef void (*Handler)(void);

__attribute__((section(".isr_vector"), used)) extern const Handler g_pfnVectors[16 + 32] = {
    reinterpret_cast<Handler>(&_estack),
    Reset_Handler,
    NMI_Handler,
    HardFault_Handler,
    MemManage_Handler,
    BusFault_Handler,
    UsageFault_Handler,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    SVC_Handler,
    Halt_Handler,
    nullptr,
    PendSV_Handler,
    SysTick_Handler,
    Halt_Handler, Halt_Handler, Halt_Handler, Halt_Handler,
    Halt_Handler, Halt_Handler, Halt_Handler, Halt_Handler,
    danas_timer_wrapped,  // interrupt 8: timer 0
};

int main(void) {
  setup();
  for (;;) loop();
}

// Leaves the emulator with this status: semihosting's SYS_EXIT_EXTENDED.
void _exit(int status) {
  const uint32_t block[2] = {0x20026, uint32_t(status)};  // ADP_Stopped_ApplicationExit
  register uint32_t operation __asm("r0") = 0x20;
  register const uint32_t* parameter __asm("r1") = block;
  __asm volatile("bkpt 0xab" : : "r"(operation), "r"(parameter) : "memory");
  for (;;) {
  }
}

void* _sbrk(ptrdiff_t bytes) {
  static uint8_t* top = reinterpret_cast<uint8_t*>(&_end);
  uint8_t* here = static_cast<uint8_t*>(__builtin_frame_address(0));
  if (top + bytes > here) {
    errno = ENOMEM;
    return reinterpret_cast<void*>(-1);
  }
  uint8_t* const before = top;
  top += bytes;
  return before;
}

int _write(int, const char* text, int size) {
  return int(Serial.write(reinterpret_cast<const uint8_t*>(text), size_t(size)));
}

int _read(int, char*, int) { return 0; }
int _close(int) { return -1; }
int _lseek(int, int, int) { return 0; }
int _isatty(int) { return 1; }
int _getpid(void) { return 1; }
int _fstat(int, struct stat* status) {
  status->st_mode = S_IFCHR;
  return 0;
}
int _kill(int, int) {
  errno = EINVAL;
  return -1;
}

}  // extern "C"
