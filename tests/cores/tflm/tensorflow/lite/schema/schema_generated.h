#include "../../../library.h"
