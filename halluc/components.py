"""The table of everything pluggable: kind -> name -> "module:attribute".

A new component is one file and one row here; a reader, which maps rows of data to
examples, has the name of its task. This module imports nothing, so that any layer may read it.
The first line of a component's docstring is what ``halluc list`` prints.
"""

TABLE: dict[str, dict[str, str]] = {
    "task": {
        "token_classification": "halluc.tasks.token_classification:TokenClassification",
        "text_classification": "halluc.tasks.text_classification:TextClassification",
    },
    "augmenter": {
        "mention_replacement": "halluc.augment.mention_replacement:MentionReplacement",
        "label_wise_replacement": "halluc.augment.label_wise_replacement:LabelWiseReplacement",
        "shuffle_within_segments": "halluc.augment.shuffle_within_segments:ShuffleWithinSegments",
        "sentence_reorder": "halluc.augment.sentence_reorder:SentenceReorder",
        "synonym": "halluc.augment.synonym:Synonym",
        "noise": "halluc.augment.noise:Noise",
        "case": "halluc.augment.case:Case",
        "delete": "halluc.augment.delete:Delete",
        "duplicate": "halluc.augment.duplicate:Duplicate",
        "sequence": "halluc.augment.sequence:Sequence",
        "nlpaug": "halluc.augment.nlpaug_bridge:NlpaugBridge",
    },
    "synthesizer": {
        "ngram": "halluc.augment.ngram:Ngram",
    },
    "filter": {
        "unchanged": "halluc.augment.filters:Unchanged",
        "duplicate": "halluc.augment.filters:Duplicate",
        "leak": "halluc.augment.filters:Leak",
        "length_ratio": "halluc.augment.filters:LengthRatio",
        "near_duplicate": "halluc.augment.filters:NearDuplicate",
        "novelty": "halluc.augment.filters:Novelty",
    },
    "metric": {
        "tagging": "halluc.metrics.tagging:Tagging",
        "labelling": "halluc.metrics.labelling:Labelling",
        "label_sets": "halluc.metrics.label_sets:LabelSets",
    },
    "detector": {
        "gold_spans": "halluc.hallucination.gold_spans:GoldSpans",
        "gold_labels": "halluc.hallucination.gold_labels:GoldLabels",
        "gold_label_sets": "halluc.hallucination.gold_labels:GoldLabelSets",
    },
    "reader": {
        "token_classification": "halluc.data.spans.reader:SpansReader",
        "text_classification": "halluc.data.texts.reader:TextsReader",
    },
}
