#include "vj/component.h"

const vj_component vj_latent_none = {
    .abi = VJ_ABI, .kind = VJ_LATENT, .name = "none", .summary = "no latent: the past must suffice", .source = ""};
