"""How a sketch becomes an ELF file, and how `pio run -t upload` runs it."""

from SCons.Script import AlwaysBuild, Default, DefaultEnvironment

env = DefaultEnvironment()
board = env.BoardConfig()

cpu = [
    "-mcpu=" + board.get("build.cpu"),
    "-mthumb",
    "-mfpu=" + board.get("build.fpu"),
    "-mfloat-abi=hard",
]
env.Replace(
    AR="arm-none-eabi-gcc-ar",
    AS="arm-none-eabi-as",
    CC="arm-none-eabi-gcc",
    CXX="arm-none-eabi-g++",
    LINK="arm-none-eabi-g++",
    OBJCOPY="arm-none-eabi-objcopy",
    RANLIB="arm-none-eabi-gcc-ranlib",
    SIZETOOL="arm-none-eabi-size",
    SIZEPRINTCMD="",  # sizes are read from the ELF file, by section
    PROGNAME="firmware",
    PROGSUFFIX=".elf",
    ARFLAGS=["rc"],
)
# The flags of the STM32 Arduino core, but the optimisation, which is the project's to set.
env.Append(
    ASFLAGS=cpu,
    ASPPFLAGS=["-x", "assembler-with-cpp"],
    CCFLAGS=[
        *cpu,
        "-ffunction-sections",
        "-fdata-sections",
        "-Wall",
        "--param",
        "max-inline-insns-single=500",
    ],
    CFLAGS=["-std=gnu17"],
    CXXFLAGS=[
        "-std=gnu++17",
        "-fno-exceptions",
        "-fno-rtti",
        "-fno-threadsafe-statics",
        "-fno-use-cxa-atexit",
    ],
    CPPDEFINES=[("F_CPU", "$BOARD_F_CPU"), "NDEBUG"],
    LINKFLAGS=[
        *cpu,
        "-nostartfiles",
        "--specs=nano.specs",
        "-Wl,--gc-sections",
        "-Wl,--no-warn-rwx-segments",
    ],
    LIBS=["c", "m", "gcc", "stdc++"],
)
if not env.get("LDSCRIPT_PATH"):
    env.Replace(LDSCRIPT_PATH=board.get("build.ldscript"))

program = env.BuildProgram()
AlwaysBuild(env.Alias("buildprog", program))

emulator = [
    "qemu-system-arm -M " + board.get("build.machine"),
    "-nographic -monitor none -serial stdio -semihosting-config enable=on,target=native",
    f"-icount shift={board.get('build.icount_shift')},align=off,sleep=off",
    "-kernel $SOURCE",
]
env.AddPlatformTarget(
    "upload",
    program,
    env.VerboseAction(" ".join(emulator), "Running $SOURCE in QEMU"),
    "Upload",
)
Default(program)
