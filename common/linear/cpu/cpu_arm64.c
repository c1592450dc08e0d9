#include "common/linear/cpu/cpu_arm64.h"

#include <stdint.h>
#include <stdio.h>

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>

/* Linux: arch/arm64/include/uapi/asm/hwcap.h; the C library's headers may be older than the CPU. */
#define CAP_CPUID   (1ul << 11)
#define CAP_ASIMDDP (1ul << 20)
#define CAP2_I8MM   (1ul << 13)
#define CAP2_BF16   (1ul << 14)

bool nb_cpu_is_arm64(void)
{
    return true;
}

bool nb_cpu_has_sdot(void)
{
    return getauxval(AT_HWCAP) & CAP_ASIMDDP;
}

bool nb_cpu_has_usmmla(void)
{
    return getauxval(AT_HWCAP2) & CAP2_I8MM;
}

bool nb_cpu_has_bfmmla(void)
{
    return getauxval(AT_HWCAP2) & CAP2_BF16;
}

void nb_cpu_arm64_model(char *out, size_t size)
{
    static const struct {
        unsigned implementer, part;
        const char *name;
    } known[] = {{0x41, 0xd08, "Arm Cortex-A72"},  {0x41, 0xd0b, "Arm Cortex-A76"},  {0x41, 0xd0c, "Arm Neoverse N1"},
                 {0x41, 0xd40, "Arm Neoverse V1"}, {0x41, 0xd49, "Arm Neoverse N2"}, {0x41, 0xd4f, "Arm Neoverse V2"},
                 {0x41, 0xd84, "Arm Neoverse V3"}, {0x41, 0xd8e, "Arm Neoverse N3"}, {0xc0, 0xac3, "Ampere-1"},
                 {0x46, 0x001, "Fujitsu A64FX"}};
    uint64_t id;
    *out = '\0';
    if (!(getauxval(AT_HWCAP) & CAP_CPUID)) { /* the system answers for the register */
        return;
    }
    __asm__("mrs %0, MIDR_EL1" : "=r"(id));
    unsigned implementer = id >> 24 & 0xff, part = id >> 4 & 0xfff;
    snprintf(out, size, "implementer 0x%02x, part 0x%03x", implementer, part);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i].implementer == implementer && known[i].part == part) {
            snprintf(out, size, "%s", known[i].name);
        }
    }
}
#else
bool nb_cpu_is_arm64(void)
{
    return false;
}

bool nb_cpu_has_sdot(void)
{
    return false;
}

bool nb_cpu_has_usmmla(void)
{
    return false;
}

bool nb_cpu_has_bfmmla(void)
{
    return false;
}

void nb_cpu_arm64_model(char *out, size_t size)
{
    (void)size;
    *out = '\0';
}
#endif
