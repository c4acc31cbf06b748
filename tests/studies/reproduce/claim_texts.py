"""Claims as YAML texts, and the figures that go with them, for `gfopt reproduce` to judge."""

EPOCHS = """\
  - id: epochs
    system: positions
    says: it takes three
    source: figure 1
    check: exact
    published: 3
    unit: epochs
    of: {config: small.yaml, label: position_wise, value: epochs, seeds: 1-4}
"""
LONG = """\
  - id: slow
    system: positions
    says: it takes long
    source: figure 2
    check: spread
    published: 7
    of: {config: small.yaml, label: rates, value: epochs, seeds: 1-2}
    long: true
"""
FREE = """\
  - id: free
    system: kinds
    says: it needs no gradient
    source: title
    check: property
    published: 0
    of: {config: small.yaml, label: position_wise, value: backward_passes}
"""
AT_ONCE = """\
  - id: one-layer
    system: kinds
    says: it trains layer by layer
    source: title
    check: property
    published: 1
    of: {config: small.yaml, label: position_wise, value: layers_at_once}
"""
SECONDS = """\
  - id: seconds
    system: kinds
    says: it is ten thousand times faster
    source: figure 3
    check: ratio
    published: [1, 10000]
    of: {config: small.yaml, label: position_wise, value: cpu_seconds}
    than: {config: small.yaml, label: gradient_descent, value: cpu_seconds}
    also:
      - words: In passes it is
        of: {config: small.yaml, label: position_wise, value: passes}
        than: {config: small.yaml, label: gradient_descent, value: passes}
"""
FIT = """\
  - id: error
    system: sugar
    says: it fits
    source: figure 4
    check: ordering
    of: {config: sugar.yaml, label: evolution_strategy, value: largest_error, seeds: 1-5}
    than: 1000
  - id: no-gradient
    system: sugar
    says: it needs no gradient
    source: figure 4
    check: property
    published: 0
    of: {config: sugar.yaml, label: evolution_strategy, value: backward_passes, seeds: 1-5}
  - id: better-than-constant
    system: sugar
    says: it learns
    source: figure 4
    check: ordering
    of: {config: sugar.yaml, label: evolution_strategy, value: loss, seeds: 1-5}
    than: {config: sugar.yaml, label: evolution_strategy, value: class_prior, seeds: 1-5}
"""
DIGITS = """\
  - id: handwriting
    system: big
    says: it needs data
    source: figure 5
    check: spread
    published: 0.5
    of: {config: big.yaml, label: gradient_descent, value: loss}
"""
FAILING = """\
  - id: broken
    system: own
    says: it works
    source: here
    check: spread
    published: 1
    of: {config: own.yaml, label: mine, value: loss}
"""
FIGURES = """\
figures:
  - kind: side_by_side
    file: both.png
    caption: Both
    of:
      - {config: small.yaml, label: position_wise, value: epochs}
      - {config: small.yaml, label: rates, value: epochs}
  - kind: histories
    file: histories.png
    caption: All seeds
    of: [{config: small.yaml, label: position_wise, value: loss, seeds: 1-4}]
  - kind: final_losses
    file: losses.png
    caption: The ends
    of: [{config: small.yaml, label: position_wise, value: loss, seeds: 1-2}]
    published: [1.5]
  - kind: layers
    file: layers.png
    caption: Layers
    of: [{config: small.yaml, label: position_wise, value: layers_at_once}]
  - kind: layers
    file: other.png
    caption: Never run
    of: [{config: small.yaml, label: gradient_descent, value: layers_at_once}]
"""
