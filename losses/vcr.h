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

/* The rows `on` and `view_weights` of a loss: its views, and a factor for each of them. */
#define VCR_VIEWS(config, doc)           \
  VJ_TEXTS(config, on, "[hx, hy]", doc), \
      VJ_REALS(config, view_weights, "[]", 0, 1e6, "", "factor of each view's term, beside `on`; empty: 1 each")

/* Calls `term` for every view and averages, each view weighing as many steps as it has, times its weight: for views of
 * equal width and weights of 1 this is the mean over the steps of the concatenated [hx, hy]. A view of weight 0 is not
 * looked at. */
typedef vj_var *(*vcr_term)(vj_graph *graph, const void *config, vj_var *view);
vj_var *vcr_over_views(vj_graph *graph, const void *config, const vj_text_list *views, const vj_real_list *weights,
                       vcr_term term);

/* Random unit vectors [count,width], drawn anew at each training step. Views of the same width that follow each other
 * are projected on the same ones: `previous` holds those of the view before, NULL at first. */
vj_var *vcr_directions(vj_graph *graph, int64_t count, int64_t width, vj_var **previous);

#endif
