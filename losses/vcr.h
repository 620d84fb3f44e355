/* What losses on the distribution of hidden states have in common: the views; and the normalisation of variance and
 * covariance. Losses see vj/... and this; begin with variance.c. */
#ifndef VJ_LOSSES_VCR_H
#define VJ_LOSSES_VCR_H

#include "vj/component.h"

/* paper   per time step; 1/(T d) over the steps of all views together (arXiv 2412.10925)
 * eb_jepa rows are samples x steps (x positions), features the last dimension; variance a mean over features,
 *         covariance over its d (d - 1) pairs (facebookresearch/eb_jepa)
 * vicreg  per time step as in the paper, the variance term halved (Bardes et al. 2022 as implemented) */
typedef enum vcr_norm { VCR_PAPER, VCR_EB_JEPA, VCR_VICREG } vcr_norm;
#define VCR_NORM_CHOICES "paper|eb_jepa|vicreg"

/* A view that features can be compared in over the batch, [b,T,features..]; any other is a failure. */
vj_var *vcr_view(vj_graph *graph, const char *name);

/* Calls `term` for every view and averages, each view weighing as many steps as it has: for views of equal width
 * this is the mean over the steps of the concatenated [hx, hy]. */
typedef vj_var *(*vcr_term)(vj_graph *graph, const void *config, vj_var *view);
vj_var *vcr_over_views(vj_graph *graph, const void *config, const vj_text_list *views, vcr_term term);

#endif
