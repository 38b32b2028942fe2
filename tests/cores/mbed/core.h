// All that the firmware uses of ArduinoCore-mbed, in the stead of its headers.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "types.h"
//
#include "functions.h"

#define Serial _UART_USB_                            // cores/arduino/Arduino.h:107
#define Serial1 _UART1_                              // cores/arduino/Arduino.h:112
#define NRF_WDT ((NRF_WDT_Type*)0x40010000UL)        // nrf52840.h:2433
#define NRF_POWER ((NRF_POWER_Type*)0x40000000UL)    // nrf52840.h:2405
