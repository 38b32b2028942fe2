"""The small Arduino core of this platform."""

from pathlib import Path

from SCons.Script import DefaultEnvironment

env = DefaultEnvironment()
core = Path(env.PioPlatform().get_dir()) / "arduino"
env.Append(
    CPPDEFINES=[
        ("ARDUINO", 10819),
        "ARDUINO_ARCH_QEMU",
        ("DANAS_PLATFORM_TIMER_HZ", "$BOARD_F_CPU"),
    ],
    CPPPATH=[str(core)],
    LIBPATH=[str(core)],
)
# Objects, not a library: nothing refers to a vector table.
env.BuildSources("$BUILD_DIR/FrameworkArduino", str(core))
