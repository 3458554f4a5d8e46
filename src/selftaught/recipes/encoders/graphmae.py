"""GraphMAE: a graph's nodes teach an encoder to tell masked features from the neighborhood. arXiv:2205.10803.

Hide the features of half the nodes (a few show another node's), encode by graph attention, set the hidden nodes' codes to
0 again, decode by one layer of graph attention, and pay the scaled cosine error of the hidden features. No label is read.
Departs from the paper: held-out nodes are not in the graph that is trained on; weight decay is decoupled; the
rate is constant after warm-up.
"""

from selftaught import explore, train
from selftaught.recipe import Ask, Claim, Objective, Phase, Recipe

recipe = Recipe(
    name="graphmae",
    paper="arXiv:2205.10803",
    pillars=("supervise", "train"),
    signal="self",
    phases=(
        Phase(
            plan=explore.Even(tasks=1, n=1),
            explore=explore.MaskedNodes(hidden=0.5, swapped=0.05),
            credit=train.Everything(),
            objectives=(Objective(loss=train.ScaledCosine(gamma=3.0), optimizer=train.AdamW(lr=1e-3, weight_decay=2e-4, warmup=20)),),
            steps=300,
            every=100,
        ),
    ),
    modules={"encoder": {"width": 128, "depth": 2, "heads": 4, "dropout": 0.2}, "decoder": {"remask": 1}},
    model="network:graph-attention",
    tasks=("graph:stdlib",),
    presets={"no-remask": {"modules.decoder.remask": 0}, "squared-error": {"loss": "latent-regression"}},
    claim=Claim(
        asks=(
            Ask(measure="node-probe", against="raw features"),
            Ask(measure="node-probe", against="start"),
            Ask(measure="node-probe", against="graphmae/no-remask"),
            Ask(measure="node-probe", against="graphmae/squared-error"),
        ),
        equal="steps",
        tasks=("graph:stdlib",),
        called="its encoder, from scratch",
        text="on held-out nodes, a linear probe on frozen codes beats the same probe on raw features, on an encoder that has "
        "learned nothing, on codes learned without re-masking and on codes learned by squared error",
    ),
    tiny={"steps": 2, "modules.encoder.width": 8, "modules.encoder.heads": 2},
)
