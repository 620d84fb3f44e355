#include "vj/component.h"

const vj_component vj_decoder_none = {
    .abi = VJ_ABI, .kind = VJ_DECODER, .name = "none", .summary = "no decoder", .source = ""};
