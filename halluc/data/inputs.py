"""placeholder until the texts branch is merged"""

from halluc.data.texts import InputText as InputText, in_chunks as in_chunks
