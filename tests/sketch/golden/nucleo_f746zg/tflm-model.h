// What model.cpp brings: the one file that differs from model to model.
#pragma once

#include "danas_device.h"

danas::Model& danas_model();
extern const danas::Build danas_build;
