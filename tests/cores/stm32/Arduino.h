// All that the firmware uses of Arduino_Core_STM32, in the stead of its headers.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "types.h"
//
#include "functions.h"

#define Serial Serial3  // cores/arduino/WSerial.h:80, of the Nucleo-144 boards

// system/Drivers/: CMSIS/Device/ST/STM32F7xx/Include/stm32f746xx.h:1306 and
// STM32F7xx_HAL_Driver/Inc/stm32f7xx_hal_rcc.h:373, :1092, :1113; of the H7,
// stm32h743xx.h:2434 and stm32h7xx_hal_rcc.h:692, :7854, :7897
#if defined(STM32H7xx)
#define IWDG1 ((IWDG_TypeDef*)0x58004800UL)
#define RCC_FLAG_IWDG1RST ((uint8_t)0x9A)
#define DANAS_RCC_STATUS (*(volatile uint32_t*)0x580244D0UL)
#else
#define IWDG ((IWDG_TypeDef*)0x40003000UL)
#define RCC_FLAG_IWDGRST ((uint8_t)0x7DU)
#define DANAS_RCC_STATUS (*(volatile uint32_t*)0x40023874UL)
#endif
#define __HAL_RCC_GET_FLAG(flag) ((DANAS_RCC_STATUS & (1UL << ((flag)&31))) != 0 ? 1 : 0)
#define __HAL_RCC_CLEAR_RESET_FLAGS() (DANAS_RCC_STATUS |= 1UL << 24)
