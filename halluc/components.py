"""The table of all components: kind -> name -> "module:attribute".

A reader, which converts rows of data to examples, has the name of its task. This module imports nothing, so that any
layer may import it. ``halluc list`` prints the first line of a component's docstring.
"""

TABLE: dict[str, dict[str, str]] = {
    "task": {
        "token_classification": "halluc.tasks.token_classification.task:TokenClassification",
        "text_classification": "halluc.tasks.text_classification.task:TextClassification",
        "relation_extraction": "halluc.tasks.relation_extraction.task:RelationExtraction",
        "question_answering": "halluc.tasks.question_answering.task:QuestionAnswering",
        "translation": "halluc.tasks.translation.task:Translation",
        "summarisation": "halluc.tasks.summarisation.task:Summarisation",
        "dialogue": "halluc.tasks.dialogue.task:Dialogue",
    },
    "augmenter": {
        "mention_replacement": "halluc.augmentation.methods.mention_replacement:MentionReplacement",
        "paired_replacement": "halluc.augmentation.methods.paired_replacement:PairedReplacement",
        "label_wise_replacement": "halluc.augmentation.methods.label_wise_replacement:LabelWiseReplacement",
        "shuffle_within_segments": "halluc.augmentation.methods.shuffle_within_segments:ShuffleWithinSegments",
        "sentence_reorder": "halluc.augmentation.methods.sentence_reorder:SentenceReorder",
        "masked_infill": "halluc.augmentation.methods.masked_infill:MaskedInfill",
        "synonym": "halluc.augmentation.methods.synonym:Synonym",
        "noise": "halluc.augmentation.methods.noise:Noise",
        "chinese_noise": "halluc.augmentation.methods.chinese_noise:ChineseNoise",
        "case": "halluc.augmentation.methods.case:Case",
        "non_mentions": "halluc.augmentation.methods.non_mentions:NonMentions",
        "delete": "halluc.augmentation.methods.delete:Delete",
        "duplicate": "halluc.augmentation.methods.duplicate:Duplicate",
        "back_translation": "halluc.augmentation.methods.back_translation:BackTranslation",
        "sequence": "halluc.augmentation.methods.sequence:Sequence",
        "nlpaug": "halluc.augmentation.methods.nlpaug_bridge:NlpaugBridge",
    },
    "synthesizer": {
        "ngram": "halluc.augmentation.methods.ngram:Ngram",
        "llm_synthesis": "halluc.augmentation.methods.llm_synthesis:LlmSynthesis",
        "lm_synthesis": "halluc.augmentation.methods.lm_synthesis:LmSynthesis",
        "gan_synthesis": "halluc.augmentation.methods.gan_synthesis:GanSynthesis",
        "synthetic_source": "halluc.augmentation.methods.synthetic_source:SyntheticSource",
        "self_training": "halluc.augmentation.methods.self_training:SelfTraining",
    },
    "filter": {
        "unchanged": "halluc.augmentation.filters.filters:Unchanged",
        "duplicate": "halluc.augmentation.filters.filters:DuplicateFilter",
        "leak": "halluc.augmentation.filters.filters:Leak",
        "length_ratio": "halluc.augmentation.filters.filters:LengthRatio",
        "near_duplicate": "halluc.augmentation.filters.filters:NearDuplicate",
        "fidelity": "halluc.augmentation.filters.fidelity:Fidelity",
        "novelty": "halluc.augmentation.filters.filters:Novelty",
    },
    "reader": {
        "token_classification": "halluc.tasks.token_classification.reading.reader:SpansReader",
        "text_classification": "halluc.tasks.text_classification.reading.reader:TextsReader",
        "relation_extraction": "halluc.tasks.relation_extraction.reading.reader:RelationsReader",
        "question_answering": "halluc.tasks.question_answering.reading.reader:QuestionsReader",
        "translation": "halluc.tasks.translation.reading.reader:ParallelReader",
        "summarisation": "halluc.tasks.summarisation.reading.reader:SummariesReader",
        "dialogue": "halluc.tasks.dialogue.reading.reader:DialoguesReader",
    },
}
