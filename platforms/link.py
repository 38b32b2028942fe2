"""What every program of ours is linked with, on every platform: a post script of PlatformIO."""

Import("env")  # noqa: F821 - SCons brings it

# Whose code takes how much is read from the linker's map. SCons's cache of objects would bring
# back a program without its map, and would keep each candidate's model and program for ever.
env.Append(LINKFLAGS=["-Wl,-Map,$BUILD_DIR/${PROGNAME}.map"])  # noqa: F821
env.NoCache(env.subst(["$BUILD_DIR/${PROGNAME}.elf", "$BUILD_DIR/src/model.cpp.o"]))  # noqa: F821
